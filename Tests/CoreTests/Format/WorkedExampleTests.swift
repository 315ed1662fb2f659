import TestSupport
import Testing

@testable import Core

@Suite struct WorkedExampleTests {
    @Test("files, links, folders and snapshots of the format description get their documented ids")
    func ids() throws {
        let test = try TestRepository()
        let identify = { (type: BlobType, bytes: [UInt8]) in
            bytes.withRawBytes { test.repository.identify(type, $0).description }
        }
        #expect(
            identify(.chunk, Array("hello\n".utf8))
                == "R3818118AFB0454EB8A8AA845224E36E4181905187173D0B9E9A94864C679AA21"
        )
        #expect(
            identify(.file, FileTable.encode([], size: 0))
                == "RB1A24C81E494830DDDD4F9C80764F56E9BD51C23656E663A8195B699B874C21E"
        )
        #expect(
            identify(.link, try LinkTarget(Array("/etc/passwd".utf8)).bytes)
                == "RF504C55E8732BCD4B108681FBD03FEBFC5EDE5B6FD55026DA963067F80D29EDF"
        )
        #expect(
            identify(.directory, DirectoryBlob.encode(size: 0, entries: 0, children: []))
                == "M18821FD826C988C34E375DD794D3F92884569619D47445E1B93B7F46067508CE"
        )
        #expect(
            identify(.directory, []) == "M180D6302BC8FE0B8EB66C4DE7FE3624A416EC54977FB07C566B47CDA3F361030"
        )
        #expect(
            identify(.directory, EntrySamples.directoryBytes)
                == "MC03969A65EE7FEAA3649AE3489B716B562F9DF6004E989E32A25C686614C467A"
        )
        #expect(
            identify(.snapshot, EntrySamples.snapshot.encode())
                == "M0B9C621B7B02AFC1C162526648CC8DCCD6E1314D8B04D400C6D7BD90CA432825"
        )
    }
}
