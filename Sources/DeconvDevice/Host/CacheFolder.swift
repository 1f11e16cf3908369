import Glibc

/// Where this program keeps what takes long to find out and can be found out again.
enum CacheFolder {
    /// `$XDG_CACHE_HOME/gpudeconv`, or the same under `~/.cache`; nil where neither is set. Made when first asked for.
    static let path: String? = {
        let cache: String
        if let folder = getenv("XDG_CACHE_HOME").map({ String(cString: $0) }), folder.hasPrefix("/") {
            cache = folder
        } else if let home = getenv("HOME").map({ String(cString: $0) }), home.hasPrefix("/") {
            cache = home + "/.cache"
        } else {
            return nil
        }
        mkdir(cache, 0o755)
        mkdir(cache + "/gpudeconv", 0o755)
        return cache + "/gpudeconv"
    }()
}
