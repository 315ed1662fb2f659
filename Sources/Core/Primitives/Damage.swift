/// Tells in which way a stored object is not what it should be; the words are those of the report of a scan.
///
/// - Source: rekkord(1), "scan".
public enum Damage: String, Sendable, CaseIterable {
    /// It is not there.
    case missing
    /// It is cut off or changed, or was not made for this repository.
    case decrypt
    /// It is the content of another name.
    case hash
    /// It is of another type than whoever refers to it says.
    case type
    /// It is longer or shorter than whoever refers to it says.
    case size
    /// It does not follow the format.
    case structure
    /// It gives a name that no file can have, or one name twice.
    case name
    /// A tag that says nothing, or something else than its snapshot.
    case tag
    /// A tag lacks a part.
    case fragment
    /// A tag was not made by the key that it names.
    case signature
    /// A key that made tags cannot be proven to come from the master key.
    case badge
}
