import DeconvDevice
import DeconvMethods
import DeconvOptics
import DeconvOptions
import DeconvPlan
package import DeconvVolume
import Foundation

/// Contexts of devices, FFT plans, prepared PSFs and transfer functions, kept from run to run: a run like an earlier one has
/// nothing to set up.
///
/// May be used from any number of threads. Each device computes for one run at a time and the others wait, so that many runs take
/// no more memory than one, and no more threads than there are cores. What is kept is given up when another run needs the
/// room.
///
/// Unchecked: everything is done under the lock of the condition.
public final class DeconvolutionSession: @unchecked Sendable {
    /// A PSF that has been prepared.
    private struct KnownPSF {
        let measured: Volume
        let imageLengths: AxisLengths
        let imageName: String
        let options: [OptionScalar?]
        let prepared: PreparedPSF
        let id: Int

        func answers(_ volume: Volume, _ job: JobDescription, _ imageLengths: AxisLengths, _ options: [OptionScalar?])
            -> Bool
        {
            measured.shape == volume.shape && measured.spacing == volume.spacing && self.imageLengths == imageLengths
                && self.options == options && measured.voxels == volume.voxels
                // What is said of the spacing names the image.
                && (imageName == job.source.name || !prepared.report.warnings.contains { $0.kind.isAboutSpacing })
        }
    }

    /// More than most data sets have channels.
    private static let mostPSFs = 64
    /// 64 MB of them.
    private static let mostPSFVoxels = 1 << 24
    /// As many shapes, types and options as take turns.
    private static let mostSetups = 4

    private let condition = NSCondition()
    /// Held while devices are opened, which takes longer than others should wait.
    private let opening = NSLock()
    /// By the options that are about them.
    private var devices: [[OptionScalar?]: [NumberedBackend]] = [:]
    private var busyDevices: Set<Int> = []
    /// Setups that no run uses, the one used last at the end.
    private var idle: [JobSetup] = []
    private var psfs: [KnownPSF] = []
    private var psfCount = 0

    /// A session that holds nothing yet.
    public init() {}

    /// Frees what is kept and not in use; runs that come later set up anew.
    public func clear() {
        let gone = locked {
            defer { (idle, psfs, devices) = ([], [], [:]) }
            return (idle, psfs, devices)
        }
        // Outside the lock: drivers take their time.
        withExtendedLifetime(gone) {}
    }

    /// Does a job's work with what is kept of earlier ones, once its devices are free.
    /// - Parameter collection: takes the volumes in any order; is finished here.
    /// - Throws: as `DeconvolutionJob.run`.
    package func run(
        _ job: DeconvolutionJob,
        into collection: any VolumeCollection
    ) throws(DeconvolutionError) -> RunReport {
        try run(job, results: .inAnyOrder(writeBytes: 0)) { (setup) throws(DeconvolutionError) in
            try job.run(setup, into: collection)
        }
    }

    /// The same for whoever runs a job with its setup.
    /// - Parameters:
    ///   - results: what the results take on their way.
    ///   - body: runs the job, or one that differs in what was found of its image.
    /// - Throws: as `DeconvolutionJob.makeSetup`, and what `body` throws.
    func run(
        _ job: DeconvolutionJob,
        results: JobPlan.Results,
        _ body: (JobSetup) throws(DeconvolutionError) -> RunReport
    ) throws(DeconvolutionError) -> RunReport {
        try job.check()
        let devices = try backends(for: job)
        let numbers = Set(devices.map(\.number))
        try acquire(numbers, for: job.description)
        defer { release(numbers) }
        let clock = ContinuousClock()
        var preparing = 0.0
        let (psfs, ids) = try clock.measure(into: &preparing) { () throws(DeconvolutionError) in try prepared(job) }
        let setup = try setup(job.request(results: results), psfs, ids, devices)
        setup.seconds.prepare += preparing
        setup.giveUpOthers = { [weak self] in self?.giveUp(numbers) ?? false }
        do {
            let report = try body(setup)
            setup.giveUpOthers = { false }
            if setup.lanes.contains(where: \.isSpoiled) {
                // Devices that failed, or that lanes opened anew for themselves, are opened anew for all.
                forget(numbers)
            } else {
                keep(setup)
            }
            return report
        } catch {
            if error.isOfDevice { forget(numbers) }
            throw error
        }
    }

    /// Does a job's work and that of both halves of its photons, once its devices are free; nothing of it is kept.
    /// - Parameters:
    ///   - collection: takes the volumes in any order; is finished here.
    ///   - map: takes the standard errors likewise.
    /// - Throws: as `DeconvolutionJob.run`; `invalidArgument` where nobody knows the photons.
    package func run(
        _ job: DeconvolutionJob,
        into collection: any VolumeCollection,
        uncertainty map: any VolumeCollection
    ) throws(DeconvolutionError) -> RunReport {
        try job.description.options.validate()
        let numbers = Set(try backends(for: job).map(\.number))
        try acquire(numbers, for: job.description)
        defer { release(numbers) }
        // Both plans are made for what is free.
        _ = giveUp(numbers)
        return try job.run(into: collection, uncertainty: map)
    }

    /// Gives up everything that stands on some devices, so that they are opened anew.
    private func forget(_ numbers: Set<Int>) {
        let gone = locked {
            let old = devices
            devices = devices.filter { entry in !entry.value.contains { numbers.contains($0.number) } }
            return old
        }
        withExtendedLifetime(gone) {}
        _ = giveUp(numbers)
    }

    private func locked<T>(_ work: () throws(DeconvolutionError) -> T) throws(DeconvolutionError) -> T {
        condition.lock()
        defer { condition.unlock() }
        return try work()
    }

    private func locked<T>(_ work: () -> T) -> T {
        condition.lock()
        defer { condition.unlock() }
        return work()
    }
}

// MARK: - Devices

extension DeconvolutionSession {
    private func backends(for job: DeconvolutionJob) throws(DeconvolutionError) -> [NumberedBackend] {
        let choice = OptionTable.standard.key(.device, of: job.description.options)
        opening.lock()
        defer { opening.unlock() }
        if let known = locked({ devices[choice] }) { return known }
        let made = try job.backends(job.description.options)
        locked { devices[choice] = made }
        return made
    }

    /// Waits until no other run uses the devices.
    /// - Throws: `cancelled` when the run is to stop.
    private func acquire(_ numbers: Set<Int>, for job: JobDescription) throws(DeconvolutionError) {
        condition.lock()
        defer { condition.unlock() }
        while !busyDevices.isDisjoint(with: numbers) {
            _ = condition.wait(until: Date(timeIntervalSinceNow: 0.1))
            // Others may do anything meanwhile, such as asking for what is known.
            condition.unlock()
            job.progress(.waiting(for: Devices.description(numbers.min() ?? 0), job))
            condition.lock()
            try job.cancellation.check()
        }
        busyDevices.formUnion(numbers)
    }

    private func release(_ numbers: Set<Int>) {
        locked {
            busyDevices.subtract(numbers)
            condition.broadcast()
        }
    }
}

// MARK: - What is kept

extension DeconvolutionSession {
    /// The PSFs of a job, and what tells them apart from all others.
    private func prepared(_ job: DeconvolutionJob) throws(DeconvolutionError) -> ([PreparedPSF], [Int]) {
        var ids: [Int] = []
        let options = OptionTable.standard.key(.psf, of: job.description.options)
        let prepared = try job.preparedPSFs { (measured, imageLengths) throws(DeconvolutionError) in
            let volume = measured.volume
            if let known = known(volume, job.description, imageLengths, options) {
                ids.append(known.id)
                return known.prepared
            }
            let prepared = try measured.prepared(
                job.description.options,
                imageLengths: imageLengths,
                imageName: job.description.source.name
            )
            locked {
                psfCount += 1
                psfs.append(
                    KnownPSF(
                        measured: volume,
                        imageLengths: imageLengths,
                        imageName: job.description.source.name,
                        options: options,
                        prepared: prepared,
                        id: psfCount
                    )
                )
                while psfs.count > 1, psfs.count > Self.mostPSFs || keptVoxelCount > Self.mostPSFVoxels {
                    psfs.removeFirst()
                }
                ids.append(psfCount)
            }
            return prepared
        }
        return (prepared, ids)
    }

    private func known(
        _ volume: Volume,
        _ job: JobDescription,
        _ imageLengths: AxisLengths,
        _ options: [OptionScalar?]
    ) -> KnownPSF? {
        locked {
            guard let index = psfs.firstIndex(where: { $0.answers(volume, job, imageLengths, options) }) else {
                return nil
            }
            // The one used last goes last.
            psfs.append(psfs.remove(at: index))
            return psfs.last
        }
    }

    private var keptVoxelCount: Int {
        psfs.reduce(0) { $0 + $1.measured.shape.voxelCount + $1.prepared.psf.shape.voxelCount }
    }

    /// A setup that is kept, or a new one.
    private func setup(
        _ request: JobSetup.Request,
        _ psfs: [PreparedPSF],
        _ ids: [Int],
        _ devices: [NumberedBackend]
    ) throws(DeconvolutionError) -> JobSetup {
        let numbers = devices.map(\.number)
        let blurs = try request.blurs(of: psfs)
        let known: JobSetup? = locked {
            let fitting = idle.indices.filter { idle[$0].isFor(request, blurs, numbers) }
            // That of the same PSF has its transfer function ready.
            let best = fitting.last { idle[$0].psfIDs == ids } ?? fitting.last
            return best.map { idle.remove(at: $0) }
        }
        if let known {
            try known.take(request, psfs, blurs, ids: ids)
            return known
        }
        let setup = try JobSetup(request, psfs: psfs, blurs: blurs, psfIDs: ids, on: devices)
        // What is kept must be no reason for tiles.
        if !setup.isInOnePiece, giveUp(Set(numbers)) {
            return try JobSetup(request, psfs: psfs, blurs: blurs, psfIDs: ids, on: devices)
        }
        return setup
    }

    private func keep(_ setup: JobSetup) {
        let gone: [JobSetup] = locked {
            idle.append(setup)
            let numbers = setup.deviceNumbers
            let others = idle.indices.filter { idle[$0] !== setup && !idle[$0].deviceNumbers.isDisjoint(with: numbers) }
            // Volumes that fill a part of the memory leave no room for those of before.
            let isLarge = setup.takesMuch
            if isLarge || others.count >= Self.mostSetups {
                let dropped = isLarge ? others : Array(others.prefix(1))
                return dropped.reversed().map { idle.remove(at: $0) }
            }
            return []
        }
        withExtendedLifetime(gone) {}
    }

    /// Frees what is kept on some devices.
    /// - Returns: whether there was anything.
    private func giveUp(_ numbers: Set<Int>) -> Bool {
        let gone: [JobSetup] = locked {
            let dropped = idle.filter { !$0.deviceNumbers.isDisjoint(with: numbers) }
            idle.removeAll { !$0.deviceNumbers.isDisjoint(with: numbers) }
            return dropped
        }
        return !gone.isEmpty
    }
}

extension DeconvolutionProgress {
    /// What is told while another run computes on a device.
    fileprivate static func waiting(for device: DeviceDescription, _ job: JobDescription) -> DeconvolutionProgress {
        let volumeCount = job.source.image.volumeCount
        return DeconvolutionProgress(
            stage: .waiting,
            device: device.name,
            completedIterations: 0,
            totalIterations: ((try? Methods.method(job.options))?.stepCount ?? 0) * volumeCount,
            volume: 1,
            volumeCount: volumeCount
        )
    }
}

extension JobSetup {
    /// The numbers of its devices in `Devices.all`.
    fileprivate var deviceNumbers: Set<Int> { Set(plans.map(\.deviceNumber)) }

    /// Whether it is right for a job.
    fileprivate func isFor(_ request: Request, _ blurs: [PreparedBlur], _ numbers: [Int]) -> Bool {
        self.request.hasPlans(of: request) && plans.map(\.deviceNumber) == Array(numbers.prefix(plans.count))
            && hasPlans(for: blurs)
    }

    /// Whether its engines take a good part of what is free on their devices.
    fileprivate var takesMuch: Bool {
        lanes.contains { ($0.engine?.byteCount ?? 0) > $0.plan.backend.freeMemory.totalBytes / 8 }
    }
}
