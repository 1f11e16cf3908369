/// A complex number in double precision, as far as the coefficients of a pupil need it.
struct Complex {
    var real: Double
    var imaginary: Double

    init(_ real: Double, _ imaginary: Double = 0) {
        self.real = real
        self.imaginary = imaginary
    }

    /// The root with a positive imaginary part of a number that may be negative: such a wave decays.
    init(rootOf value: Double) {
        self = value < 0 ? Complex(0, (-value).squareRoot()) : Complex(value.squareRoot())
    }

    var squaredMagnitude: Double { real * real + imaginary * imaginary }

    static func + (a: Complex, b: Complex) -> Complex { Complex(a.real + b.real, a.imaginary + b.imaginary) }

    static func - (a: Complex, b: Complex) -> Complex { Complex(a.real - b.real, a.imaginary - b.imaginary) }

    static func * (a: Complex, b: Complex) -> Complex {
        Complex(a.real * b.real - a.imaginary * b.imaginary, a.real * b.imaginary + a.imaginary * b.real)
    }

    static func * (a: Double, b: Complex) -> Complex { Complex(a * b.real, a * b.imaginary) }

    static func / (a: Complex, b: Complex) -> Complex {
        (1 / b.squaredMagnitude) * (a * Complex(b.real, -b.imaginary))
    }
}
