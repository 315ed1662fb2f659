@main
enum Rekkord {
    static func main() {}
}
