/// The programs that were asked for last, by their source; who holds the table owns them.
struct RecentPrograms {
    private let limit: Int
    /// The one used least recently comes first.
    private var entries: [(source: String, program: UInt)] = []

    /// An empty table for a number of programs.
    init(limit: Int) { self.limit = limit }

    /// The program of a source, or nil.
    mutating func program(of source: String) -> UInt? {
        guard let index = entries.firstIndex(where: { $0.source == source }) else { return nil }
        let entry = entries.remove(at: index)
        entries.append(entry)
        return entry.program
    }

    /// Takes a program.
    /// - Returns: programs that have no place any more, for the caller to release: the one of this source from before, and
    ///   the one that was used least recently.
    mutating func keep(_ program: UInt, of source: String) -> [UInt] {
        let dropped = entries.filter { $0.source == source }.map(\.program)
        entries.removeAll { $0.source == source }
        entries.append((source, program))
        guard entries.count > limit else { return dropped }
        return dropped + [entries.removeFirst().program]
    }

    /// Gives all programs back, for the caller to release.
    mutating func removeAll() -> [UInt] {
        let programs = entries.map(\.program)
        entries = []
        return programs
    }
}
