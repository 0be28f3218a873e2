// Package include is the folder of vdb.h. It is a package, and imported, because `go mod vendor` takes along what
// lies in the folders of packages, and nothing else.
package include
