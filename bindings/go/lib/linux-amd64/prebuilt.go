// Package prebuilt is the folder of the static library for linux/amd64. It is a package, and imported, because
// `go mod vendor` takes along what lies in the folders of packages, and nothing else.
package prebuilt
