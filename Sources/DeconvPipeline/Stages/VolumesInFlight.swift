import DeconvVolume

/// How many volumes of a run are between source and result at once.
///
/// On each device one is computed; `OverlappedStages` has others read and written meanwhile, where `JobPlan.Overlap` has found
/// room for them.
enum VolumesInFlight {
    /// Volumes that wait between one stage and the next.
    static let betweenStages = 1

    /// Volumes that a device has in host memory as they were read: one waits while another is put into its frame.
    static let read = 1 + betweenStages

    /// Results that a device has given away and that may have to wait: the one that is written, and those behind it.
    private static let finished = 1 + betweenStages

    /// Results that may wait for their turn where a file takes planes in one order; 0 where they come in that order.
    ///
    /// The channels of a time point wait for each other, and what one device has finished waits for the slowest.
    static func waiting(channelCount: Int, deviceCount: Int) -> Int {
        if deviceCount > 1 { return channelCount + finished * deviceCount }
        return channelCount == 1 ? 0 : channelCount
    }
}
