// Functions have the names of the header.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CGPUDeconv
import DeconvIO
import DeconvOptics
import DeconvOptions
import DeconvPipeline
import DeconvVolume
import Foundation
import GPUDeconv

// What each function does, and what it asks of its arguments, is said in gpudeconv.h, and the compiler holds them to its types.

// MARK: - The library

// Never freed.
nonisolated(unsafe) private let version = strdup(ProgramVersion.text)!

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_abi_version() -> Int32 { Int32(GPUDECONV_ABI_VERSION) }

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_version() -> UnsafePointer<CChar>! { UnsafePointer(version) }

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_last_error() -> UnsafePointer<CChar>! { LastError.text }

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_string_destroy(_ text: UnsafeMutablePointer<CChar>!) { free(text) }

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_devices(
    _ devices: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!
) -> gpudeconv_status {
    call { () throws(DeconvolutionError) in
        try devices.required("devices").pointee = strdup(JSONText.of(DeviceEntry.all, .keyword))
    }
}

/// A text of a caller.
/// - Throws: `invalidArgument` for NULL, and for what is not UTF-8: a file must not get another name than it was given.
private func text(_ pointer: UnsafePointer<CChar>?, _ name: String) throws(DeconvolutionError) -> String {
    guard let text = String(validatingCString: try pointer.required(name)) else {
        throw DeconvolutionError(.invalidArgument, "\(name) is not UTF-8")
    }
    return text
}

// MARK: - Objects

/// The process of the first call; another one was forked from it.
private let firstProcess = getpid()

/// What an opaque pointer to options points to. Unchecked: they belong to one thread while they are changed.
private final class OptionsBox: @unchecked Sendable {
    var options = JobOptions()

    static func options(_ pointer: OpaquePointer?) -> JobOptions {
        var options =
            pointer.map { Unmanaged<OptionsBox>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue().options }
            ?? JobOptions()
        // The threads of Dispatch stay with the parent: loops that they share end without them, but who waits for them waits forever.
        if getpid() != firstProcess { options.deconvolution.overlapsVolumes = false }
        return options
    }
}

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_options_create(_ options: UnsafeMutablePointer<OpaquePointer?>!) -> gpudeconv_status {
    call { () throws(DeconvolutionError) in
        _ = firstProcess
        try options.required("options").pointee = OpaquePointer(Unmanaged.passRetained(OptionsBox()).toOpaque())
    }
}

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_options_set(
    _ options: OpaquePointer!,
    _ name: UnsafePointer<CChar>!,
    _ value: UnsafePointer<CChar>!
) -> gpudeconv_status {
    call { () throws(DeconvolutionError) in
        let pointer = try options.required("options")
        let box = Unmanaged<OptionsBox>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
        try OptionTable.standard.set(
            &box.options,
            text(name, "name"),
            to: value == nil ? nil : text(value, "value")
        )
    }
}

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_options_check(_ options: OpaquePointer!) -> gpudeconv_status {
    call { () throws(DeconvolutionError) in
        try OptionTable.standard.validate(OptionsBox.options(options.required("options")))
    }
}

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_options_list(
    _ options: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!
) -> gpudeconv_status {
    call { () throws(DeconvolutionError) in
        try options.required("options").pointee = strdup(JSONText.of(OptionTable.standard.options, .keyword))
    }
}

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_options_destroy(_ options: OpaquePointer!) {
    if let options { Unmanaged<OptionsBox>.fromOpaque(UnsafeRawPointer(options)).release() }
}

private func session(_ pointer: OpaquePointer?) -> DeconvolutionSession {
    pointer.map { Unmanaged<DeconvolutionSession>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
        ?? DeconvolutionSession()
}

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_session_create(_ session: UnsafeMutablePointer<OpaquePointer?>!) -> gpudeconv_status {
    call { () throws(DeconvolutionError) in
        try session.required("session").pointee =
            OpaquePointer(Unmanaged.passRetained(DeconvolutionSession()).toOpaque())
    }
}

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_session_clear(_ pointer: OpaquePointer!) -> gpudeconv_status {
    call { () throws(DeconvolutionError) in try session(pointer.required("session")).clear() }
}

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_session_destroy(_ session: OpaquePointer!) {
    if let session { Unmanaged<DeconvolutionSession>.fromOpaque(UnsafeRawPointer(session)).release() }
}

// MARK: - Arrays

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_deconvolve(
    _ pointer: OpaquePointer!,
    _ options: OpaquePointer!,
    _ image: UnsafePointer<gpudeconv_array>!,
    _ psf: UnsafePointer<gpudeconv_array>!,
    _ flatField: UnsafePointer<gpudeconv_array>!,
    _ mask: UnsafePointer<gpudeconv_array>!,
    _ result: UnsafePointer<gpudeconv_array>!,
    _ callback: gpudeconv_progress_callback!,
    _ context: UnsafeMutableRawPointer!,
    _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!
) -> gpudeconv_status {
    call { () throws(DeconvolutionError) in
        report?.pointee = nil
        let options = OptionTable.standard.settled(OptionsBox.options(options))
        let batch = try VolumeBatch(image, psf, flatField, mask, result, "the result", options)
        if batch.isEmpty { return }
        try OptionTable.standard.validate(options)
        let job = try batch.job(
            options.deconvolutionWithFoundMask,
            ProgressCall(callback: callback, context: context)
        )
        var done = try session(pointer).run(job, into: batch.collection)
        done.origin = RunOrigin(options, files: false)
        report?.pointee = strdup(JSONText.of(done, .keyword))
    }
}

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_uncertainty(
    _ pointer: OpaquePointer!,
    _ options: OpaquePointer!,
    _ image: UnsafePointer<gpudeconv_array>!,
    _ psf: UnsafePointer<gpudeconv_array>!,
    _ flatField: UnsafePointer<gpudeconv_array>!,
    _ mask: UnsafePointer<gpudeconv_array>!,
    _ result: UnsafePointer<gpudeconv_array>!,
    _ map: UnsafePointer<gpudeconv_array>!,
    _ callback: gpudeconv_progress_callback!,
    _ context: UnsafeMutableRawPointer!,
    _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!
) -> gpudeconv_status {
    call { () throws(DeconvolutionError) in
        report?.pointee = nil
        var options = OptionTable.standard.settled(OptionsBox.options(options))
        options.deconvolution.halvesPhotons = true
        let batch = try VolumeBatch(image, psf, flatField, mask, result, "the result", options)
        let errors = try VolumeBatch(image, psf, flatField, mask, map, "the map", options)
        if batch.isEmpty { return }
        try OptionTable.standard.validate(options)
        let job = try batch.job(
            options.deconvolutionWithFoundMask,
            ProgressCall(callback: callback, context: context)
        )
        var done = try session(pointer).run(job, into: batch.collection, uncertainty: errors.collection)
        done.origin = RunOrigin(options, files: false)
        report?.pointee = strdup(JSONText.of(done, .keyword))
    }
}

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_plan(
    _ options: OpaquePointer!,
    _ image: UnsafePointer<gpudeconv_array>!,
    _ psf: UnsafePointer<gpudeconv_array>!,
    _ flatField: UnsafePointer<gpudeconv_array>!,
    _ mask: UnsafePointer<gpudeconv_array>!,
    _ plan: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!
) -> gpudeconv_status {
    call { () throws(DeconvolutionError) in
        let plan = try plan.required("plan")
        plan.pointee = nil
        let image = try image.required("image").pointee.strided("the image", needsData: false)
        let psf = try psf.required("psf").pointee.strided("the PSF")
        let flatField = try flatField?.pointee.strided("the flat field", needsData: false)
        let mask = try mask?.pointee.strided("the mask", needsData: false)
        let options = OptionsBox.options(options).deconvolutionWithFoundMask
        let psfs = try psf.parts(of: options)
        let arrays = [("the image", image), ("the PSF", psfs[0]), ("the flat field", flatField), ("the mask", mask)]
        let leading = try VolumeBatch.broadcast(
            arrays.compactMap { name, array in array.map { (name, $0.leadingShape) } }
        )
        // Nothing is written.
        let result = StridedArray(image.data, shape: leading + image.shape.suffix(3), pixelType: .float32)
        let batch = try VolumeBatch(
            VolumeBatch.Arrays(image: image, psfs: psfs, flatField: flatField, mask: mask, result: result)
        )
        guard !batch.isEmpty else {
            throw DeconvolutionError(.invalidArgument, "the image has shape \(image.shape); give one with voxels")
        }
        let plans = try batch.job(options, ProgressCall(callback: nil, context: nil))
            .plans(results: .inAnyOrder(writeBytes: 0))
        let estimate = try TimeEstimate(plans, options)
        plan.pointee = strdup(JSONText.of(PlanDescription(plans[0], estimate: estimate), .keyword))
    }
}

extension StridedArray {
    /// PSFs by their places: those along the last axis before a PSF's own, where options have places.
    /// - Throws: `invalidArgument` where there are not as many.
    fileprivate func parts(of options: DeconvolutionOptions) throws(DeconvolutionError) -> [StridedArray] {
        guard let places = options.psfPlaces else { return [self] }
        guard leadingShape.last == places.count else {
            throw DeconvolutionError(
                .invalidArgument,
                "the PSF has shape \(shape), but \(.psfAt) \(places.count) places; give a PSF for each, as (places, a, b, c)"
            )
        }
        return parts(along: -4)
    }
}

extension VolumeBatch {
    /// Volumes in arrays of a caller.
    /// - Parameters:
    ///   - result: what is written.
    ///   - name: what messages call it.
    /// - Throws: `invalidArgument` for arrays that do not go together.
    fileprivate init(
        _ image: UnsafePointer<gpudeconv_array>?,
        _ psf: UnsafePointer<gpudeconv_array>?,
        _ flatField: UnsafePointer<gpudeconv_array>?,
        _ mask: UnsafePointer<gpudeconv_array>?,
        _ result: UnsafePointer<gpudeconv_array>?,
        _ name: String,
        _ options: JobOptions
    ) throws(DeconvolutionError) {
        let image = try image.required("image").pointee
        let psf = try psf.required("psf").pointee
        let result = try result.required(name.replacing("the ", with: "")).pointee
        guard Set([image, psf, result].map { $0.rank == 2 }).count == 1 else {
            throw DeconvolutionError(
                .invalidArgument,
                "the image has rank \(image.rank), the PSF \(psf.rank) and \(name) \(result.rank); give planes all, or "
                    + "volumes all, such as a plane as (1, y, x)"
            )
        }
        try self.init(
            VolumeBatch.Arrays(
                image: image.strided("the image"),
                psfs: psf.strided("the PSF").parts(of: options.deconvolution),
                flatField: flatField?.pointee.strided("the flat field"),
                mask: mask?.pointee.strided("the mask"),
                result: result.strided(name)
            ),
            resultName: name
        )
    }

    fileprivate func job(
        _ options: DeconvolutionOptions,
        _ call: ProgressCall
    ) throws(DeconvolutionError) -> DeconvolutionJob {
        let psfs = psfs()
        if let empty = psfs.first(where: { $0.volume.voxels.isEmpty }) {
            throw DeconvolutionError(
                .invalidArgument,
                "\(empty.name) has shape \(empty.volume.shape); give one with voxels"
            )
        }
        return DeconvolutionJob(
            source: source,
            psfs: psfs,
            sensitivity: sensitivity,
            options: options,
            scratchFolder: FileManager.default.temporaryDirectory.path,
            cancellation: call.cancellation,
            progress: { call.tell($0) }
        )
    }
}

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_prepare_psf(
    _ options: OpaquePointer!,
    _ psf: UnsafePointer<gpudeconv_array>!,
    _ prepared: UnsafeMutablePointer<UnsafeMutablePointer<gpudeconv_array>?>!,
    _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!
) -> gpudeconv_status {
    call { () throws(DeconvolutionError) in
        let prepared = try prepared.required("prepared")
        prepared.pointee = nil
        report?.pointee = nil
        let psf = try psf.required("psf").pointee.strided("the PSF")
        guard psf.shape.count == 3, psf.count > 0 else {
            throw DeconvolutionError(.invalidArgument, "the PSF has shape \(psf.shape); give one volume or plane")
        }
        let volume = Volume(shape: psf.volumeShape, voxels: psf.read(Region(psf.volumeShape), at: 0).floats)
        let options = OptionsBox.options(options).deconvolution
        let ready = try MeasuredPSF(name: "the PSF", volume: volume, shouldHaveSpacing: false).prepared(options)
        prepared.pointee = OwnedArray.make(ready.psf.volume)
        report?.pointee = strdup(JSONText.of(ready.report, .keyword))
    }
}

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_generate_psf(
    _ options: OpaquePointer!,
    _ channel: Int64,
    _ imageShape: UnsafePointer<Int64>!,
    _ generated: UnsafeMutablePointer<UnsafeMutablePointer<gpudeconv_array>?>!,
    _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!
) -> gpudeconv_status {
    call { () throws(DeconvolutionError) in
        let generated = try generated.required("generated")
        generated.pointee = nil
        report?.pointee = nil
        let options = OptionsBox.options(options)
        try OptionTable.standard.validate(options)
        let shape = imageShape.map { sizes in VolumeShape { Int(sizes[$0]) } }
        guard shape.map({ $0.axes.allSatisfy { (1...1 << 40).contains($0) } }) ?? true else {
            throw DeconvolutionError(.invalidArgument, "image_shape has a size below 1; give voxels, as z, y, x")
        }
        let computed = try ComputedPSFs(
            options.deconvolution.microscope,
            image: nil,
            imageShape: shape,
            spacing: options.deconvolution.spacing,
            depths: PSFDepths(options.deconvolution)
        )
        guard channel == -1 || computed.channels.contains(Int(channel)) else {
            throw DeconvolutionError(
                .invalidArgument,
                "the PSF of channel \(channel): there are \(computed.channels.count); count them from 0"
            )
        }
        let channels = channel == -1 ? computed.channels : Int(channel)..<Int(channel) + 1
        let psfs = channels.flatMap { computed[$0].map(\.psf) }
        let largest = VolumeShape { axis in psfs.map { $0.shape[axis] }.max()! }
        let hasPlaces = options.deconvolution.psfPlaces != nil || options.deconvolution.choosesPSFPlaces
        generated.pointee = OwnedArray.make(
            psfs.flatMap { $0.padded(to: largest) },
            largest,
            leadingShape: (channel == -1 ? [channels.count] : []) + (hasPlaces ? [psfs.count / channels.count] : [])
        )
        report?.pointee = strdup(JSONText.of(ComputedPSFReport(computed), .keyword))
    }
}

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_array_destroy(_ array: UnsafeMutablePointer<gpudeconv_array>!) {
    if let array { OwnedArray.destroy(array) }
}

// MARK: - Files

/// See gpudeconv.h.
@c @implementation
public func gpudeconv_deconvolve_file(
    _ options: OpaquePointer!,
    _ input: UnsafePointer<CChar>!,
    _ psfs: UnsafePointer<UnsafePointer<CChar>?>!,
    _ psfCount: Int64,
    _ output: UnsafePointer<CChar>!,
    _ callback: gpudeconv_progress_callback!,
    _ context: UnsafeMutableRawPointer!,
    _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!
) -> gpudeconv_status {
    call { () throws(DeconvolutionError) in
        report?.pointee = nil
        var paths: [String] = []
        for index in 0..<Int(max(psfCount, 0)) {
            paths.append(try text(psfs.required("psfs")[index], "psfs[\(index)]"))
        }
        let options = OptionsBox.options(options)
        let call = ProgressCall(callback: callback, context: context)
        let done = try FileDeconvolution(
            input: text(input, "input"),
            psfPaths: paths,
            options: options
        ).run(
            output: text(output, "output"),
            cancellation: call.cancellation
        ) { call.tell($0) }
        report?.pointee = strdup(JSONText.of(done, .keyword))
    }
}
