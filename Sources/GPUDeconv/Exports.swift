@_exported public import DeconvDevice
@_exported public import DeconvMethods
@_exported public import DeconvOptions
@_exported public import DeconvPipeline
@_exported public import DeconvPlan
@_exported public import DeconvVolume
