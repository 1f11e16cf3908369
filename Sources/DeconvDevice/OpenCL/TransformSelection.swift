package import DeconvPlan
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
    /// Whether `auto` measures which library is faster; nil for every shape on GPUs and accelerators, and for one large
    /// enough on other devices.
    package var measures: Bool?
    /// Whether the device's clock is read, for measurements.
    var takesTime = false
    /// Whether an iteration is given to the device before the last one is done; nil for GPUs and accelerators only, where
    /// waiting and enqueuing take time that counts. Elsewhere who stops would wait for one iteration more.
    var worksAhead: Bool?
    /// The libraries there are, the one to try first ahead.
    var engines: [any TransformEngine] = [CLFFTEngine(), VkFFTEngine()]

    /// What is right for everyone who does not test it.
    package init(_ choice: FFTChoice = .auto) { self.choice = choice }

    /// Whether one library that may be used has all transforms of a volume.
    func supports(_ shape: VolumeShape) -> Bool { candidates.contains { $0.supports(shape) } }

    /// Whether a volume is likely to be transformed in passes of one kernel each: by what is known, or where nothing is.
    func expectsPasses(of geometry: WorkGeometry, on device: OpenCLDevice) -> Bool {
        guard let engine = candidates.first(where: { hasPasses($0, geometry.workShape) }) else { return false }
        // Planning asks for thousands of tiles.
        guard memory.hasDoubts(of: engine.library, on: Site.name(device)) else { return true }
        // The type of the voxels is not known yet, and what is found out for one is likely for all; tiles have none.
        let types: [PixelType] = geometry.isOnlyProjected ? [.float32] : [.uint8, .uint16, .float32]
        return types.allSatisfy { type in
            let site = Site(layout: WorkspaceLayout(geometry, pixelType: type), device: device)
            guard let first = engines(site).first, hasPasses(first, geometry.workShape) else { return false }
            return memory.manner(of: first.library, shapes: site.shapes, on: site.device) ?? .passes == .passes
        }
    }

    private func hasPasses(_ engine: any TransformEngine, _ shape: VolumeShape) -> Bool {
        usesPasses && engine.supports(shape) && engine.hasPlanePasses(shape)
    }

    private var candidates: [any TransformEngine] {
        engines.filter { choice == .auto || $0.library.rawValue == choice.rawValue }
    }

    /// A workspace with the library that this selection comes to.
    /// - Throws: `deviceFailed` where none can be used.
    func makeWorkspace(
        _ layout: WorkspaceLayout,
        in context: OpenCLContext
    ) throws(DeconvolutionError) -> OpenCLWorkspace {
        let site = Site(layout: layout, device: context.device)
        // What is known needs no waiting for others.
        let workspace =
            isKnown(site)
            ? try select(site, context)
            : try memory.alone { () throws(DeconvolutionError) in try select(site, context) }
        let library = workspace.fft
        workspace.checkPlans { [memory] error in
            // Not for good: the library was seen to be right, so it is this run that goes wrong.
            memory.passOver(library, shapes: site.shapes, on: site.device, reason: error.message)
        }
        return workspace
    }

    /// The libraries that may be used, the one to use first.
    private func engines(_ site: Site) -> [any TransformEngine] {
        guard choice == .auto else { return candidates }
        let engines = candidates.filter {
            $0.supports(site.layout.workShape)
                && memory.refusal(of: $0.library, shapes: site.shapes, on: site.device) == nil
        }
        guard let known = memory.choice(shapes: site.shapesOfChoice, on: site.device) else { return engines }
        return engines.filter { $0.library == known } + engines.filter { $0.library != known }
    }

    /// Libraries that failed with other shapes alone: where all others fail, they may do.
    private func lastResorts(_ site: Site) -> [any TransformEngine] {
        guard choice == .auto else { return [] }
        return candidates.filter {
            $0.supports(site.layout.workShape)
                && memory.refusal(of: $0.library, shapes: site.shapes, on: site.device) != nil
                && !memory.hasFailed($0.library, shapes: site.shapes, on: site.device)
        }
    }

    /// Whether it is to be measured which of several libraries is faster.
    private func isToBeMeasured(_ engines: [any TransformEngine], _ site: Site) -> Bool {
        choice == .auto && engines.count > 1 && measures ?? site.isWorthMeasuring
            && memory.choice(shapes: site.shapesOfChoice, on: site.device) == nil
    }

    /// Whether nothing is to be tried or measured.
    private func isKnown(_ site: Site) -> Bool {
        let engines = engines(site)
        guard let first = engines.first ?? lastResorts(site).first, !isToBeMeasured(engines, site) else { return false }
        let isTried =
            !hasPasses(first, site.layout.workShape)
            || memory.manner(of: first.library, shapes: site.shapes, on: site.device) != nil
        return isTried && memory.isProven(first.library, shapes: site.shapes, on: site.device)
    }

    private func select(_ site: Site, _ context: OpenCLContext) throws(DeconvolutionError) -> OpenCLWorkspace {
        let engines = engines(site)
        guard choice == .auto else { return try make(engines[0], site, context) }
        var failures = Failures()
        let order = isToBeMeasured(engines, site) ? fasterFirst(engines, site, context, &failures) : engines
        let all = order + lastResorts(site)
        // Where none is left, the last says what is wrong with it.
        guard !engines.isEmpty || !all.isEmpty else { return try make(candidates[candidates.count - 1], site, context) }
        return try firstWorking(all, site, context, &failures)
    }

    /// What a workspace is wanted for, and where.
    private struct Site {
        let layout: WorkspaceLayout
        let device: String
        let shapes: String
        /// For which shapes a measurement of the libraries holds.
        ///
        /// On a GPU they differ from shape to shape, and a measurement takes a second. On a CPU the compiler's vectorization
        /// tells them apart, and both libraries' kernels take it half a minute: one measurement is for all.
        let shapesOfChoice: String
        /// Whether the time of an update says more of the libraries than of the machine's other work.
        let isWorthMeasuring: Bool
        let isAccelerator: Bool

        init(layout: WorkspaceLayout, device: OpenCLDevice) {
            self.layout = layout
            self.device = Self.name(device)
            let isProjected = layout.isOnlyProjected ? "projected" : "\(layout.pixelType)"
            shapes =
                "\(layout.workShape) domain \(layout.domain.shape) frame \(layout.frame.shape) \(isProjected)"
            isAccelerator = device.isAccelerator
            shapesOfChoice = isAccelerator ? shapes : "all"
            isWorthMeasuring = isAccelerator || layout.workShape.voxelCount >= 1 << 20
        }

        static func name(_ device: OpenCLDevice) -> String {
            "\(device.description.name), \(device.description.driver)"
        }
    }

    /// What libraries failed with.
    private struct Failures {
        /// That may not happen to a smaller volume.
        var outOfMemory: DeconvolutionError?
        /// Libraries to which it happened.
        var lackingMemory: Set<FFTLibrary> = []
        /// What is to be told of those that were measured.
        var warnings: [FFTLibrary: [Diagnostic]] = [:]
        /// In the order in which they were tried.
        var others: [(library: FFTLibrary, error: DeconvolutionError)] = []

        mutating func add(_ library: FFTLibrary, _ error: DeconvolutionError) {
            if error.code == .outOfMemory {
                outOfMemory = error
                lackingMemory.insert(library)
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

    /// A workspace with the first library that works; what those before it failed with is told and remembered, once one works.
    ///
    /// One that runs out of memory or of a kernel's resources may work at another shape, so that is not remembered.
    private func firstWorking(
        _ engines: [any TransformEngine],
        _ site: Site,
        _ context: OpenCLContext,
        _ failures: inout Failures
    ) throws(DeconvolutionError) -> OpenCLWorkspace {
        var last: DeconvolutionError?
        for engine in engines {
            do {
                let warnings = failures.others.map { failure in
                    Diagnostic(
                        .transformsReplaced,
                        "\(context.name): \(failure.library.name) does not work there "
                            + "(\(failure.error.reason)); \(engine.library.name) takes its place, "
                            + "\(Self.howLong(failure.error))"
                    )
                }
                let told = failures.warnings[engine.library] ?? []
                let workspace = try make(engine, site, context, warnings + told)
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
        if Self.isForGood(error) {
            memory.refuse(library, shapes: site.shapes, on: site.device, reason: "\(error.reason)")
        } else {
            memory.passOver(library, shapes: site.shapes, on: site.device, reason: "\(error.reason)")
        }
    }

    private static func howLong(_ error: DeconvolutionError) -> String {
        isForGood(error) ? "now and from now on" : "for volumes of this shape in this run"
    }

    /// A workspace whose transforms were seen to be right, now or in an earlier run, in the best manner that works.
    ///
    /// Before a failure costs a library or a manner its place for good, all kernels are built anew in a context of their own: what
    /// a compiler failed with may have been the moment's, such as the want of memory, and a program that was kept may be wrong.
    /// What may have been the context's fault is tried in another one as well.
    private func make(
        _ engine: any TransformEngine,
        _ site: Site,
        _ context: OpenCLContext,
        _ warnings: [Diagnostic] = []
    ) throws(DeconvolutionError) -> OpenCLWorkspace {
        do {
            return try makeOnce(engine, site, context, warnings, isLast: false)
        } catch  where Self.isForGood(error) {
            let another = try OpenCLContext(context.device, binaries: context.binaries.rebuilding)
            return try makeOnce(engine, site, another, warnings, isLast: true)
        } catch  where error.remedy == .newContext {
            let another = try OpenCLContext(context.device, binaries: context.binaries)
            let warning = Diagnostic(
                .deviceRecovered,
                "\(context.name): \(error.reason); \(engine.library.name) began anew"
            )
            return try makeOnce(engine, site, another, warnings + [warning], isLast: true)
        }
    }

    /// - Parameter isLast: false for an attempt that ends with the first failure that would be remembered.
    private func makeOnce(
        _ engine: any TransformEngine,
        _ site: Site,
        _ context: OpenCLContext,
        _ warnings: [Diagnostic],
        isLast: Bool
    ) throws(DeconvolutionError) -> OpenCLWorkspace {
        let library = engine.library
        let triesPasses = hasPasses(engine, site.layout.workShape)
        let known = memory.manner(of: library, shapes: site.shapes, on: site.device)
        let isProven = memory.isProven(library, shapes: site.shapes, on: site.device)
        var failure: DeconvolutionError?
        var manner = known ?? .passes
        if manner == .passes, !triesPasses { manner = .planes }
        Compilation.expect(
            1 + engine.programCount(inPasses: manner == .passes, triesThem: !isProven || known != manner && triesPasses)
        )
        while true {
            let isApart = manner == .apart
            let workspace = try OpenCLWorkspace(
                site.layout,
                engine,
                fuses: fuses && !isApart,
                usesPasses: manner == .passes,
                takesTime: takesTime,
                worksAhead: worksAhead ?? site.isAccelerator,
                warnings: warnings + (failure.map { [Self.warning(of: $0, library, isApart, context)] } ?? []),
                in: context
            )
            // With what it was proven by before.
            if isProven, failure == nil, known == manner || !triesPasses { return workspace }
            do throws(DeconvolutionError) {
                guard try workspace.movesPoints() else { throw Self.wrong(library, site, context) }
                memory.prove(library, shapes: site.shapes, on: site.device)
                if triesPasses || failure != nil {
                    memory.findManner(
                        manner,
                        of: library,
                        shapes: site.shapes,
                        on: site.device,
                        reason: failure.map { "\($0.reason)" } ?? "",
                        forGood: failure.map(Self.isForGood) ?? true
                    )
                }
                return workspace
            } catch  where error.code == .deviceFailed {
                if Self.isForGood(error) || error.remedy == .newContext, !isLast { throw error }
                switch manner {
                // A device that gets passes wrong may get whole planes right,
                case .passes: manner = .planes
                // and one that gets callbacks wrong may get plain transforms right.
                case .planes where workspace.isFused: manner = .apart
                default: throw error
                }
                failure = error
            }
        }
    }

    private static func wrong(_ library: FFTLibrary, _ site: Site, _ context: OpenCLContext) -> DeconvolutionError {
        DeconvolutionError(
            .deviceFailed,
            "\(library.name) gives wrong transforms of \(site.layout.workShape) on \(context.name): "
                + "use another \(.fft), or \(.backend, "cpu")",
            cause: WrongTransforms()
        )
    }

    /// What is said of a library that cannot do its best.
    private static func warning(
        of failure: DeconvolutionError,
        _ library: FFTLibrary,
        _ isApart: Bool,
        _ context: OpenCLContext
    ) -> Diagnostic {
        let (fails, instead) =
            isApart
            ? ("multiply within its transforms", "it multiplies between them")
            : ("transform planes in passes", "it transforms whole planes")
        return Diagnostic(
            .transformsReplaced,
            "\(context.name): \(library.name) cannot \(fails) there (\(failure.reason)); "
                + "\(instead), which takes longer, \(howLong(failure))"
        )
    }

    /// The libraries in the order of the time that an update takes with them, without those that fail.
    ///
    /// One that lacks memory is slower than one that does not, as long as the process lives.
    private func fasterFirst(
        _ engines: [any TransformEngine],
        _ site: Site,
        _ context: OpenCLContext,
        _ failures: inout Failures
    ) -> [any TransformEngine] {
        var measured: [(engine: any TransformEngine, seconds: Double)] = []
        for engine in engines {
            do {
                let workspace = try make(engine, site, context)
                failures.warnings[engine.library] = workspace.warnings
                measured.append((engine, try workspace.secondsOfUpdate()))
            } catch {
                failures.add(engine.library, error)
            }
        }
        measured.sort { $0.seconds < $1.seconds }
        if let fastest = measured.first, measured.count + failures.lackingMemory.count == engines.count {
            let measurement = measured.map { "\($0.engine.library.rawValue) \($0.seconds) s" }
            memory.choose(
                fastest.engine.library,
                shapes: site.shapesOfChoice,
                on: site.device,
                measurement: measurement.joined(separator: ", "),
                forGood: failures.lackingMemory.isEmpty
            )
        }
        return measured.map(\.engine)
    }
}
