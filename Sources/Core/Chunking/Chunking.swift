/// Names the ways of cutting files; a reader cannot tell them apart.
public enum Chunking: String, Sendable, CaseIterable {
    /// Ours: the cuts follow the content wherever it moves.
    case stable = "Stable"
    /// The original tool's: large files deduplicate with what it saved.
    case rekkord = "Rekkord"
}
