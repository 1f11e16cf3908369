import DeconvVolume

extension Provenance {
    /// As attributes of Zarr have it: an object of texts.
    var json: JSONValue {
        .object(entries.reduce(into: JSONObject()) { $0[$1.name] = .string($1.value) })
    }

    /// What `json` gave; nil for anything else.
    init?(_ json: JSONValue?) {
        guard let members = json?.object else { return nil }
        self.init()
        for (name, value) in members { if let text = value.string { add(name, text) } }
    }
}

extension ZarrArrayMetadata {
    /// The same array, whatever it came from.
    var withoutProvenance: ZarrArrayMetadata {
        var metadata = self
        metadata.attributes[Provenance.key] = nil
        return metadata
    }
}
