/// The observed frame and the sensitivity of the view that a workspace does not use now, where there are two.
struct OtherView<Frame: AnyObject, Sensitivity: AnyObject> {
    private(set) var observed: Frame?
    private(set) var sensitivity: Sensitivity?
    private var used = 0

    /// Nothing is known of either.
    init() {}

    /// Has another view take the place of the one in use.
    /// - Parameters:
    ///   - observed: the frame in use.
    ///   - sensitivity: its sensitivity.
    /// - Returns: whether it was another one.
    @discardableResult
    mutating func use(_ number: Int, _ observed: inout Frame?, _ sensitivity: inout Sensitivity?) -> Bool {
        precondition(number == 0 || number == 1, "there are two views at most")
        guard number != used else { return false }
        used = number
        swap(&self.observed, &observed)
        swap(&self.sensitivity, &sensitivity)
        return true
    }
}
