import Testing

@testable import Core

@Suite struct AllowanceTests {
    @Test("whoever wants more than is left waits until others gave back enough")
    func waiting() throws {
        let allowance = Allowance(limit: 100)
        let entered = BoundedQueue<Int>(capacity: 10)
        allowance.take(60)
        allowance.take(40)
        let worker = try WorkerThread(name: "waits") {
            allowance.take(50)
            entered.push(50)
        }
        while allowance.waitingCount == 0 {}
        allowance.giveBack(40)
        // Forty are too few: it is woken, and goes on waiting.
        #expect(entered.tryPop() == nil)
        allowance.giveBack(60)
        #expect(entered.pop() == 50)
        worker.join()
        #expect(allowance.taken == 50)
    }

    @Test("more than the whole limit is let in alone")
    func oversized() throws {
        let allowance = Allowance(limit: 10)
        allowance.take(1)
        let worker = try WorkerThread(name: "waits") { allowance.take(1000) }
        while allowance.waitingCount == 0 {}
        #expect(allowance.taken == 1)
        allowance.giveBack(1)
        worker.join()
        #expect(allowance.taken == 1000)
    }

    @Test("who holds a part does not wait for another")
    func again() {
        let allowance = Allowance(limit: 10)
        allowance.take(10)
        allowance.takeAnyway(10)
        #expect(allowance.taken == 20)
    }

    @Test("a higher limit lets in who waits")
    func limit() throws {
        let allowance = Allowance(limit: 10)
        allowance.take(10)
        let worker = try WorkerThread(name: "waits") { allowance.take(10) }
        while allowance.waitingCount == 0 {}
        allowance.setLimit(20)
        worker.join()
        #expect(allowance.taken == 20)
    }

    @Test("many threads never have more than the limit, and all get their turn")
    func threads() throws {
        let allowance = Allowance(limit: 10)
        let excesses = Counter()
        let turns = Counter()
        let workers = try (1...4).map { amount in
            try WorkerThread(name: "takes") {
                for _ in 0..<2000 {
                    allowance.take(amount)
                    if allowance.taken > 10 { excesses.add() }
                    turns.add()
                    allowance.giveBack(amount)
                }
            }
        }
        for worker in workers { worker.join() }
        #expect(excesses.value == 0)
        #expect(turns.value == 8000)
        #expect(allowance.taken == 0)
    }
}
