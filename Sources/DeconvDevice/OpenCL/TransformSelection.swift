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
    /// Libraries that are taken to fail, to test what happens then.
    package var failing: Set<FFTLibrary> = []

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
        guard choice == .auto else { return try make(candidates[0], site) }
        var engines = candidates.filter { $0.supports(layout.workShape) }
        engines.removeAll { memory.refusal(of: $0.library, on: site.device) != nil }
        if let known = memory.choice(shapes: site.shapes, on: site.device) {
            engines = engines.filter { $0.library == known } + engines.filter { $0.library != known }
        } else if measures ?? context.device.isAccelerator, engines.count > 1 {
            engines = try fasterFirst(engines, site)
        }
        // Where none is left, VkFFT says what is wrong with it.
        return try firstWorking(engines.isEmpty ? [VkFFTEngine()] : engines, site)
    }

    /// Where a workspace is wanted.
    private struct Site {
        let layout: WorkspaceLayout
        let context: OpenCLContext
        let device: String
        let shapes: String
    }

    /// A workspace with the first library that works; those that do not are remembered, once another does.
    ///
    /// One that runs out of memory or of a kernel's resources may work at another shape, so that is not remembered.
    private func firstWorking(
        _ engines: [any TransformEngine],
        _ site: Site
    ) throws(DeconvolutionError) -> OpenCLWorkspace {
        let last = engines[engines.count - 1]
        var failures: [(library: FFTLibrary, reason: String)] = []
        var outOfMemory: DeconvolutionError?
        for engine in engines.dropLast() {
            do {
                return try make(engine, site)
            } catch  where error.code == .outOfMemory {
                outOfMemory = error
            } catch  where error.code == .deviceFailed {
                let reason = error.cause.map { "\($0)" } ?? error.message
                failures.append((engine.library, String(reason.prefix { !$0.isNewline })))
            }
        }
        let warnings = failures.map { failure in
            Diagnostic(
                "\(site.context.name): \(failure.library.name) does not work there (\(failure.reason)); "
                    + "\(last.library.name) takes its place, now and from now on"
            )
        }
        let workspace: OpenCLWorkspace
        do {
            workspace = try make(last, site, warnings)
        } catch {
            // Less of a volume may do for the other one.
            throw outOfMemory ?? error
        }
        for failure in failures { memory.refuse(failure.library, on: site.device, reason: failure.reason) }
        return workspace
    }

    /// A workspace whose transforms were seen to be right, now or in an earlier run.
    private func make(
        _ engine: any TransformEngine,
        _ site: Site,
        _ warnings: [Diagnostic] = []
    ) throws(DeconvolutionError) -> OpenCLWorkspace {
        if failing.contains(engine.library) {
            throw DeconvolutionError(.deviceFailed, "\(engine.library.name) is taken to fail")
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
                + "use another --fft, or --backend cpu"
        )
    }

    /// The libraries in the order of the time that two convolutions take with them; one that fails keeps its place, for
    /// its failure to be told.
    private func fasterFirst(
        _ engines: [any TransformEngine],
        _ site: Site
    ) throws(DeconvolutionError) -> [any TransformEngine] {
        var seconds: [Double] = []
        for engine in engines {
            do {
                seconds.append(try make(engine, site).secondsOfConvolutions())
            } catch  where error.code == .deviceFailed || error.code == .outOfMemory {
                return engines
            }
        }
        let order = engines.indices.sorted { seconds[$0] < seconds[$1] }
        let measurement = order.map { "\(engines[$0].library.rawValue) \(seconds[$0]) s" }.joined(separator: ", ")
        memory.choose(
            engines[order[0]].library,
            shapes: site.shapes,
            on: site.device,
            measurement: measurement
        )
        return order.map { engines[$0] }
    }
}
