/// Keeps values by key in the order of their last use, so that the one unused for longest can go first.
///
/// Each use carries a stamp of the caller; stamps ascend. All operations take constant time.
struct RecencyList<Key: Hashable, Value> {
    private struct Item {
        var key: Key
        var value: Value
        var cost: Int
        var stamp: UInt64
        var newer: Int
        var older: Int
    }

    private static var none: Int { -1 }

    // Slots never move; those in `free` hold nothing.
    private var items: [Item?] = []
    private var free: [Int] = []
    private var positions: [Key: Int] = [:]
    private var newest = Self.none
    private var oldest = Self.none

    /// How many values there are.
    var count: Int { positions.count }

    /// The stamp of the value that `removeOldest` would take.
    var oldestStamp: UInt64? { oldest == Self.none ? nil : items[oldest]?.stamp }

    /// Finds the value of `key` and makes it the newest.
    mutating func use(_ key: Key, stamp: UInt64) -> Value? {
        guard let position = positions[key] else { return nil }
        if position != newest {
            unlink(position)
            linkAsNewest(position)
        }
        items[position]?.stamp = stamp
        return items[position]?.value
    }

    /// Finds the value of `key` and leaves the order alone.
    func peek(_ key: Key) -> Value? {
        positions[key].flatMap { items[$0]?.value }
    }

    /// How many values satisfy `predicate`; takes time for each.
    func count(where predicate: (Value) -> Bool) -> Int {
        items.reduce(0) { $0 + ($1.map { predicate($0.value) } == true ? 1 : 0) }
    }

    /// Adds a value as the newest; returns the one it replaces, with its cost.
    @discardableResult
    mutating func insert(_ key: Key, _ value: Value, cost: Int, stamp: UInt64) -> (value: Value, cost: Int)? {
        let replaced = remove(key)
        let item = Item(key: key, value: value, cost: cost, stamp: stamp, newer: Self.none, older: Self.none)
        let position: Int
        if let reused = free.popLast() {
            position = reused
            items[position] = item
        } else {
            position = items.count
            items.append(item)
        }
        positions[key] = position
        linkAsNewest(position)
        return replaced
    }

    /// Takes the value of `key` out.
    @discardableResult
    mutating func remove(_ key: Key) -> (value: Value, cost: Int)? {
        guard let position = positions.removeValue(forKey: key), let item = items[position] else {
            return nil
        }
        unlink(position)
        items[position] = nil
        free.append(position)
        return (item.value, item.cost)
    }

    /// Takes out the value unused for longest.
    mutating func removeOldest() -> (key: Key, value: Value, cost: Int)? {
        guard oldest != Self.none, let key = items[oldest]?.key, let item = remove(key) else { return nil }
        return (key, item.value, item.cost)
    }

    private mutating func unlink(_ position: Int) {
        guard let item = items[position] else { return }
        if item.newer == Self.none { newest = item.older } else { items[item.newer]?.older = item.older }
        if item.older == Self.none { oldest = item.newer } else { items[item.older]?.newer = item.newer }
    }

    private mutating func linkAsNewest(_ position: Int) {
        items[position]?.newer = Self.none
        items[position]?.older = newest
        if newest == Self.none { oldest = position } else { items[newest]?.newer = position }
        newest = position
    }
}
