# Common parts of the scripts; sourced by them, never run.
# The caller sets ROOT to the top folder of the checkout.

build_packages="git pkg-config libfuse3-dev fuse3 libsodium-dev liblz4-dev libsqlite3-dev libcurl4-openssl-dev libexpat1-dev libssl-dev"
test_packages="$build_packages python3 python3-venv acl attr rsync mandoc openssl faketime systemd time zsh fish"
script=${0##*/}

say() {
    printf '%s\n' "$*"
}

die() {
    printf '%s: %s\n' "$script" "$*" >&2
    exit 1
}

# usage TEXT: prints a usage error and ends with 64.
usage_error() {
    printf 'usage: %s\n' "$1" >&2
    exit 64
}

# Runs a command as root: directly, or by sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo -- "$@"
    else
        die "root rights are needed and there is no sudo; run as root: $*"
    fi
}

# Ends the script unless Swift 6.2 or newer is in PATH.
need_swift() {
    how="Get Swift 6.2 or newer from the install page of swift.org (Linux, your Debian release),
unpack it, and put its usr/bin folder in PATH."
    if ! command -v swift >/dev/null 2>&1; then
        die "swift is not in PATH.
$how"
    fi
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
    if [ -z "$version" ]; then
        die "'swift --version' does not work; the packages that Swift itself needs may be missing.
$how"
    fi
    major=${version% *}
    minor=${version#* }
    if [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
        die "Swift $major.$minor is too old.
$how"
    fi
}

# need_packages NAME...: installs what is missing of these Debian packages.
need_packages() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        say "This is not a Debian system; assuming that these or their equals are installed: $*"
        return
    fi
    missing=
    for package in "$@"; do
        # The pattern is for dpkg-query, not for the shell.
        # shellcheck disable=SC2016
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    say "Installing:$missing"
    log=$(mktemp)
    # Unquoted on purpose: a list of names without blanks.
    # shellcheck disable=SC2086
    if ! { as_root apt-get -q update &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing; } \
        >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "cannot install$missing"
    fi
    rm -f "$log"
}

# Whether file systems in user space can be mounted here.
have_fuse() {
    [ -c /dev/fuse ] && command -v fusermount3 >/dev/null 2>&1
}
