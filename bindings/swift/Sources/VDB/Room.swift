#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Throws where memory for the results of a call cannot be had: an array that gets none ends the process.
@inline(__always)
func room(for count: Int, _ what: @autoclosure () -> String, bytes each: Int) throws(VDBError) {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: each)
    // What is small is not worth a question.
    if overflow || bytes >= 1 << 20 && !canBeHad(bytes) {
        let size = overflow ? "more than \(Int.max)" : "\(bytes)"
        throw VDBError(.noMemory, "no memory for the results of \(count) \(what()), \(size) bytes: ask for fewer at a time")
    }
}

/// Asks the system, not malloc, which may end the process itself where somebody watches memory.
private func canBeHad(_ bytes: Int) -> Bool {
    let trial = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let trial, trial != MAP_FAILED else { return false }
    munmap(trial, bytes)
    return true
}
