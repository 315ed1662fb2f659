import Testing
import TestSupport

@testable import Core

@Suite struct RecencyListTests {
    @Test("random uses agree with a plain list", arguments: [1, 2, 3, 4] as [UInt64])
    func model(seed: UInt64) {
        var random = SeededRandom(seed)
        var list = RecencyList<Int, Int>()
        var model: [(key: Int, value: Int)] = []
        for stamp in 1...2000 as ClosedRange<UInt64> {
            let key = Int(random.next() % 20)
            switch random.next() % 5 {
            case 0, 1:
                let value = Int(random.next() % 1000)
                let replaced = list.insert(key, value, cost: value, stamp: stamp)
                #expect(replaced?.value == model.first { $0.key == key }?.value)
                model.removeAll { $0.key == key }
                model.append((key, value))
            case 2:
                let index = model.firstIndex { $0.key == key }
                #expect(list.use(key, stamp: stamp) == index.map { model[$0].value })
                if let index { model.append(model.remove(at: index)) }
            case 3:
                #expect(list.remove(key)?.value == model.first { $0.key == key }?.value)
                model.removeAll { $0.key == key }
            default:
                let oldest = list.removeOldest()
                #expect(oldest?.key == model.first?.key)
                if !model.isEmpty { model.removeFirst() }
            }
            #expect(list.count == model.count)
        }
    }
}
