module vdb/bindings/bench/go

go 1.24

require vdb/bindings/go v0.0.0

replace vdb/bindings/go => ../../go
