module vdb/bindings/go

go 1.24
