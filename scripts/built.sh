# To be sourced at the root of the project: programs that are built once, under .tools, from the Go
# module proxy.

# built NAME VERSION SECONDS COMMAND...: prints the path of a program. Where it is not there, the
# command makes it, in about that many seconds on two processors.
built() {
  local program=$PWD/.tools/$1-$2 begin=$SECONDS
  if [ ! -x "$program" ]; then
    mkdir -p .tools
    echo "building $1 $2, which takes some $3 s" >&2
    # A command substitution goes on after a failure.
    "${@:4}" "$program.new" >&2 || { echo "building $1 $2 failed" >&2; return 1; }
    mv "$program.new" "$program" || return
    echo "built $1 in $((SECONDS - begin)) s" >&2
  fi
  echo "$program"
}

# go_install PACKAGE@VERSION OUT
go_install() {
  local dir
  dir=$(mktemp -d)
  (cd / && GOBIN=$dir CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' "$1") || return
  mv "$dir"/* "$2"
  rmdir "$dir"
}

# go_build MODULE VERSION PACKAGE LDFLAGS REPLACE OUT: builds in a module of its own, which go
# install does not where a module has replacements; REPLACE are the lines of go.mod in their place.
go_build() {
  local dir
  dir=$(mktemp -d)
  printf 'module built\ngo 1.26.0\nrequire %s %s\n%s\n' "$1" "$2" "$5" > "$dir/go.mod"
  (cd "$dir" && GOFLAGS=-mod=mod CGO_ENABLED=0 go build -trimpath -ldflags "-s -w $4" -o "$6" "$3") || return
  rm -rf "$dir"
}

# module_dir MODULE@VERSION: prints the folder of a module, which is downloaded where it is not
# there.
module_dir() { (cd / && go mod download -json "$1") | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'; }
