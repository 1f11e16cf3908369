/// ‖a − b‖ / ‖b‖: the relative root-mean-square difference of two fields, in double precision.
public func relativeRMSE(_ a: [Float], _ b: [Float]) -> Double {
    precondition(a.count == b.count)
    var difference = 0.0
    var reference = 0.0
    for (p, q) in zip(a, b) {
        difference += (Double(p) - Double(q)) * (Double(p) - Double(q))
        reference += Double(q) * Double(q)
    }
    return (difference / reference).squareRoot()
}
