import DeconvVolume

/// Which FFT library transforms on a device, and how that is found out.
package struct TransformSelection: Sendable {
    /// What the user wants.
    package var choice = FFTChoice.auto
    /// What is known from earlier.
    package var memory = TransformMemory.shared
    /// Whether the product with the transfer function may be made within the transforms.
    package var fuses = true
    /// Whether planes may be transformed in passes over rows and lines, with the steps between transforms in them.
    package var usesPasses = true
    /// Whether `auto` measures which library is faster; nil for GPUs and accelerators only, where transforms take
    /// milliseconds and the libraries differ.
    package var measures: Bool?
    /// Libraries that are taken to fail, and how, to test what happens then.
    var failing: [FFTLibrary: OpenCLStatus] = [:]

    /// What is right for everyone who does not test it.
    package init(_ choice: FFTChoice = .auto) { self.choice = choice }

    private static let engines: [any TransformEngine] = [CLFFTEngine(), VkFFTEngine()]

    /// Whether one library that may be used has all transforms of a volume.
    func supports(_ shape: VolumeShape) -> Bool { candidates.contains { $0.supports(shape) } }

    /// Whether a volume is likely to be transformed in passes of one kernel each.
    func expectsPasses(of shape: VolumeShape) -> Bool {
        usesPasses && choice != .vkfft && PlanePasses.canTransform(shape) && CLFFTEngine().supports(shape)
    }

    private var candidates: [any TransformEngine] {
        Self.engines.filter { choice == .auto || $0.library.rawValue == choice.rawValue }
    }

    /// A workspace with the library that this selection comes to.
    /// - Throws: `deviceFailed` where none can be used.
    func makeWorkspace(
        _ layout: WorkspaceLayout,
        in context: OpenCLContext
    ) throws(DeconvolutionError) -> OpenCLWorkspace {
        let device = context.device.description
        let site = Site(
            layout: layout,
            context: context,
            device: "\(device.name), \(device.driver)",
            shapes: "\(layout.workShape) domain \(layout.domain.shape) frame \(layout.frame.shape)"
        )
        // What is known needs no waiting for others.
        if isKnown(site) { return try select(site) }
        return try memory.alone { () throws(DeconvolutionError) in try select(site) }
    }

    /// The libraries that may be used, the one to use first.
    private func engines(_ site: Site) -> [any TransformEngine] {
        guard choice == .auto else { return candidates }
        let engines = candidates.filter {
            $0.supports(site.layout.workShape)
                && memory.refusal(of: $0.library, shapes: site.shapes, on: site.device) == nil
        }
        guard let known = memory.choice(shapes: site.shapes, on: site.device) else { return engines }
        return engines.filter { $0.library == known } + engines.filter { $0.library != known }
    }

    /// Whether it is to be measured which of several libraries is faster.
    private func isToBeMeasured(_ engines: [any TransformEngine], _ site: Site) -> Bool {
        choice == .auto && engines.count > 1 && measures ?? site.context.device.isAccelerator
            && memory.choice(shapes: site.shapes, on: site.device) == nil
    }

    /// Whether nothing is to be tried or measured.
    private func isKnown(_ site: Site) -> Bool {
        let engines = engines(site)
        guard let first = engines.first, !isToBeMeasured(engines, site) else { return false }
        return memory.isProven(first.library, shapes: site.shapes, on: site.device)
    }

    private func select(_ site: Site) throws(DeconvolutionError) -> OpenCLWorkspace {
        let engines = engines(site)
        guard choice == .auto else { return try make(engines[0], site) }
        // Where none is left, VkFFT says what is wrong with it.
        guard !engines.isEmpty else { return try make(VkFFTEngine(), site) }
        var failures = Failures()
        let order = isToBeMeasured(engines, site) ? fasterFirst(engines, site, &failures) : engines
        return try firstWorking(order, site, &failures)
    }

    /// Where a workspace is wanted.
    private struct Site {
        let layout: WorkspaceLayout
        let context: OpenCLContext
        let device: String
        let shapes: String
    }

    /// What libraries failed with.
    private struct Failures {
        /// That may not happen to a smaller volume.
        var outOfMemory: DeconvolutionError?
        /// In the order in which they were tried.
        var others: [(library: FFTLibrary, error: DeconvolutionError)] = []

        mutating func add(_ library: FFTLibrary, _ error: DeconvolutionError) {
            if error.code == .outOfMemory {
                outOfMemory = error
            } else {
                others.append((library, error))
            }
        }
    }

    /// Whether a library that failed is of no use on the device: its kernels do not build, or compute something else. Other
    /// failures may be those of one shape, or of the moment.
    private static func isForGood(_ error: DeconvolutionError) -> Bool {
        switch error.cause {
        case is WrongTransforms: true
        case let error as OpenCLError: error.status.isBuildFailure
        default: false
        }
    }

    /// The cause of a trial that did not give what it must.
    private struct WrongTransforms: Error, CustomStringConvertible {
        let description = "its transforms are wrong"
    }

    /// A workspace with the first library that works; what those before it failed with is told and remembered, once one works.
    ///
    /// One that runs out of memory or of a kernel's resources may work at another shape, so that is not remembered.
    private func firstWorking(
        _ engines: [any TransformEngine],
        _ site: Site,
        _ failures: inout Failures
    ) throws(DeconvolutionError) -> OpenCLWorkspace {
        var last: DeconvolutionError?
        for engine in engines {
            do {
                let warnings = failures.others.map { failure in
                    let cause = failure.error.cause.map { "\($0)" } ?? failure.error.message
                    return Diagnostic(
                        "\(site.context.name): \(failure.library.name) does not work there "
                            + "(\(cause.prefix { !$0.isNewline })); \(engine.library.name) takes its place, "
                            + (Self.isForGood(failure.error)
                                ? "now and from now on" : "for volumes of this shape in this run")
                    )
                }
                let workspace = try make(engine, site, warnings)
                for (library, error) in failures.others { remember(library, error, site) }
                return workspace
            } catch  where error.code == .deviceFailed || error.code == .outOfMemory {
                failures.add(engine.library, error)
                last = error
            }
        }
        // Less of a volume may do for a library that ran out of memory.
        throw failures.outOfMemory ?? last ?? failures.others[failures.others.count - 1].error
    }

    private func remember(_ library: FFTLibrary, _ error: DeconvolutionError, _ site: Site) {
        let reason = error.cause.map { "\($0)" } ?? error.message
        let line = String(reason.prefix { !$0.isNewline })
        if Self.isForGood(error) {
            memory.refuse(library, shapes: site.shapes, on: site.device, reason: line)
        } else {
            memory.passOver(library, shapes: site.shapes, on: site.device, reason: line)
        }
    }

    /// A workspace whose transforms were seen to be right, now or in an earlier run.
    private func make(
        _ engine: any TransformEngine,
        _ site: Site,
        _ warnings: [Diagnostic] = []
    ) throws(DeconvolutionError) -> OpenCLWorkspace {
        if let status = failing[engine.library] {
            throw OpenCLError(call: "\(engine.library.name), taken to fail,", status: status)
                .deconvolutionError(on: site.context.name)
        }
        // A device that gets passes wrong may get whole planes right.
        for usesPasses in usesPasses && engine.library == .clfft ? [true, false] : [false] {
            let shapes = usesPasses ? "\(site.shapes), in passes" : site.shapes
            let workspace = try OpenCLWorkspace(
                site.layout,
                engine,
                fuses: fuses,
                usesPasses: usesPasses,
                warnings: warnings,
                in: site.context
            )
            if memory.isProven(engine.library, shapes: shapes, on: site.device) { return workspace }
            do {
                guard try workspace.movesPoints() else { continue }
            } catch  where usesPasses && error.code == .deviceFailed {
                continue
            }
            memory.prove(engine.library, shapes: shapes, on: site.device)
            return workspace
        }
        throw DeconvolutionError(
            .deviceFailed,
            "\(engine.library.name) gives wrong transforms of \(site.layout.workShape) on \(site.context.name): "
                + "use another --fft, or --backend cpu",
            cause: WrongTransforms()
        )
    }

    /// The libraries in the order of the time that two convolutions take with them, without those that fail.
    private func fasterFirst(
        _ engines: [any TransformEngine],
        _ site: Site,
        _ failures: inout Failures
    ) -> [any TransformEngine] {
        var measured: [(engine: any TransformEngine, seconds: Double)] = []
        for engine in engines {
            do {
                measured.append((engine, try make(engine, site).secondsOfConvolutions()))
            } catch {
                failures.add(engine.library, error)
            }
        }
        measured.sort { $0.seconds < $1.seconds }
        if measured.count == engines.count {
            let measurement = measured.map { "\($0.engine.library.rawValue) \($0.seconds) s" }
            memory.choose(
                measured[0].engine.library,
                shapes: site.shapes,
                on: site.device,
                measurement: measurement.joined(separator: ", ")
            )
        }
        return measured.map(\.engine)
    }
}
