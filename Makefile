# vdb: build, test, install, try and measure. Needs a Rust toolchain (cargo) and a C compiler.
# What else a test can use (valgrind, a C++ compiler) is used when it is there.

ABI := $(shell sed -n 's/^\#define VDB_ABI_VERSION //p' include/vdb.h)
CARGO ?= cargo
CC ?= cc
STRIP ?= strip
TARGET := $(or $(CARGO_TARGET_DIR),target)
LIB := build/lib
LOOM = $(CARGO) test --manifest-path tests/loom/Cargo.toml --target-dir $(TARGET)/loom
WARNINGS := -Wall -Wextra -Wpedantic -Werror

.PHONY: build header bindings abi go-lib node-package test test-bindings test-swift install uninstall musl dist loom miri tsan asan torture \
	mutations coverage filesystems fuzz lint demo bench bench-bindings bench-compare bench-scale \
	bench-curve bench-seeds bench-filter bench-conditions bench-replace bench-ingest bench-churn bench-sweep bench-protection clean
.DEFAULT_GOAL := build

# build/lib: libvdb.so.N (the name programs load), libvdb.so (the name they link), libvdb.a.
# The library stays loaded once it is: threads that are about to end may still run in it. Files are put in place whole, for
# programs that use those of before.
build:
	$(CARGO) rustc --release --lib --crate-type cdylib,staticlib -- \
		-C link-arg=-Wl,-soname,libvdb.so.$(ABI) -C link-arg=-Wl,-z,nodelete
	@mkdir -p $(LIB)
	@$(STRIP) -o $(LIB)/so.$$$$ $(TARGET)/release/libvdb.so && mv $(LIB)/so.$$$$ $(LIB)/libvdb.so.$(ABI)
	@[ "$$(readlink $(LIB)/libvdb.so)" = libvdb.so.$(ABI) ] || ln -sf libvdb.so.$(ABI) $(LIB)/libvdb.so
	@cp -p $(TARGET)/release/libvdb.a $(LIB)/a.$$$$ && mv $(LIB)/a.$$$$ $(LIB)/libvdb.a

# Writes include/vdb.h anew from src/capi. `make test` checks that it is current.
header:
	VDB_BLESS=1 $(CARGO) test --quiet --test header

# The static library where the Go package links it (bindings/go).
GO_LIB = bindings/go/lib/$(shell go env GOOS)-$(shell go env GOARCH)
go-lib: build
	@mkdir -p $(GO_LIB)
	@$(STRIP) --strip-debug -o $(GO_LIB)/libvdb.a $(LIB)/libvdb.a

# Compiles the Node package (bindings/node); what it needs is fetched by npm.
node-package:
	@bindings/node/compile.sh

# Writes the generated parts of the bindings anew from include/vdb.h. `make test-bindings` checks that they are current.
bindings:
	@bindings/gen/gen.py

# Writes packaging/abi/vdb-N.abi anew, after a change of the binary interface that is meant. `make test-bindings` compares.
# Needs abidw and abidiff (abigail-tools).
abi:
	@packaging/abi.sh bless

# Installs what `make build` made: the libraries, the headers, vdb.pc, a CMake package, vdb(7). PREFIX (/usr/local), LIBDIR,
# INCLUDEDIR and MANDIR say where, DESTDIR is put before all of them. Does not build: it may run as root.
install uninstall:
	@PREFIX='$(or $(PREFIX),/usr/local)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' MANDIR='$(MANDIR)' \
		DOCDIR='$(DOCDIR)' DESTDIR='$(DESTDIR)' packaging/install.sh $@

# build/musl/libvdb.a, the static library for programs that are linked with musl, where Rust has the target for it.
musl:
	@packaging/musl.sh

# Everything that a release consists of, into build/dist, with SHA256SUMS: a Python wheel, npm packages, a Go module, a
# Swift package, a Debian package, archives of the library and of the sources. The same sources give the same bytes. What may be set
# (GO_MODULE, DEB_MAINTAINER) is in packaging/dist.sh.
dist: build musl
	@packaging/dist.sh

# Every binding whose toolchain is there, the binary interface, an installation and the packages, against build/lib;
# LANGUAGES="cpp python" for some.
test-bindings: build
	@.ci/summary.sh bindings/test.sh $(LANGUAGES)

# The Swift binding, as debug and as optimised code, after Debian's Swift was put into ~/.cache/vdb/swift where there is none (2.8 GB;
# VDB_SWIFT_ROOT is another folder).
test-swift: build
	@bindings/swift/toolchain.sh install && VDB_SWIFT_CONFIGURATIONS="debug release" .ci/summary.sh bindings/test.sh swift

# Everything: unit, property, integration and documentation tests, the C tests, the models, the bindings.
test:
	@RUST_BACKTRACE=0 .ci/summary.sh .ci/test.sh

# All interleavings of two or three threads, of the protocols between them.
loom:
	@$(LOOM)

# Undefined behaviour; data races; memory errors of the engine: needs a nightly toolchain
# with the components miri and rust-src, and says what it skips without.
miri tsan asan:
	@tests/nightly.sh $@

# Crashes, kills, damage, failing calls and threads at random: SECONDS=n SEED=s.
# The last line of its output must be all zeros.
torture:
	@$(CARGO) test --test torture -- --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED))

# Removes each sync and each check of stored bytes in turn: the crash tests must notice.
mutations:
	@tests/mutations.sh

# Lines of src/storage that the tests run. Needs the llvm-cov of the LLVM that rustc has.
coverage:
	@tests/coverage.sh

# Killed writers and failing calls on ext4, xfs and btrfs, SECONDS=n each. Needs root and mkfs.
filesystems:
	@tests/filesystems.sh $(SECONDS)

# Looks for inputs that crash, hang or corrupt: SECONDS=n for each target, TARGETS="store log".
# Needs a nightly toolchain and cargo-fuzz; what it kept is replayed by `make test`.
fuzz:
	@fuzz/run.sh $(or $(SECONDS),60) $(TARGETS)

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) fmt --check --manifest-path tests/loom/Cargo.toml
	$(CARGO) fmt --check --manifest-path benches/peers/Cargo.toml
	@for file in c_tests/*.c c_tests/load/*.c examples/*.c; do \
		[ ! -e $$file ] || $(CC) -std=c11 $(WARNINGS) -fsyntax-only -Iinclude $$file || exit 1; \
	done

# A tour on real data: ingest, search, update, reopen, recall and speed.
demo: build
	@$(CC) -std=c11 -O2 $(WARNINGS) -Iinclude examples/demo.c -o build/demo \
		-L$(LIB) -lvdb -lm -Wl,-rpath,'$$ORIGIN/lib'
	@rm -rf build/demo.vdb
	@build/demo data/wordnet build/demo.vdb

# What a record of measurements begins with.
MACHINE = date +%F; sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1; echo "load $$(cut -d' ' -f1 /proc/loadavg)"
PEERS = --release --manifest-path benches/peers/Cargo.toml --target-dir $(TARGET)/peers $(if $(NUMKONG),--features numkong)

# Kernels beside the limits of the core and beside SimSIMD's; build, search, ingest and recovery on
# the bundled sample. Two minutes, once compiled; leaves a record. NUMKONG=1 also compiles (5 minutes) and
# compares NumKong.
bench:
	@$(CARGO) bench --no-run --bench kernel --bench engine && $(CARGO) build $(PEERS) && \
	{ $(MACHINE); $(CARGO) bench --quiet --bench kernel && echo && $(CARGO) run --quiet $(PEERS) && echo && \
		VDB_BENCH_DIR=$${VDB_BENCH_DIR:-$(CURDIR)/build} $(CARGO) bench --quiet --bench engine; } \
		| tee benches/record/$$(date +%F)-micro.txt

# bench-compare (other libraries on the same data), bench-filter (the same under filters), bench-conditions (conditions on
# metadata), bench-replace (what replacing rows costs, beside
# hnswlib), bench-ingest (beside other stores), bench-scale (a million rows), bench-curve (costs against the
# number of rows, up to ROWS), bench-seeds (ROWS long rows), bench-churn (recall while rows are replaced) and
# bench-sweep (graphs of several M and ef_construction); each leaves a record in benches/record.
bench-compare bench-filter bench-conditions bench-replace bench-ingest bench-scale bench-curve bench-seeds bench-churn bench-sweep: bench-%: build
	@$(MAKE) --no-print-directory -C benches/compare $*

# What a search and an insert cost in each language beyond the C call (ROUNDS=n). Leaves a record. Measures the packages that are built:
# `make node-package` and bindings/python/test.sh come before.
bench-bindings: build go-lib
	@{ $(MACHINE); bindings/bench/bench.py $(if $(ROUNDS),--rounds $(ROUNDS)); } | tee benches/record/$$(date +%F)-bindings.txt

# What the checks of the walk, recovery and durable writes cost: a program with and one
# without the checks take turns. Leaves a record.
bench-protection:
	@unchecked=$$(RUSTFLAGS="--cfg vdb_unchecked" $(CARGO) bench --bench protection --no-run \
		--target-dir build/unchecked --message-format json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p') && \
	$(CARGO) bench --bench protection --no-run && \
	{ $(MACHINE); VDB_UNCHECKED=$$unchecked VDB_BENCH_DIR=$${VDB_BENCH_DIR:-$(CURDIR)/build} \
		$(CARGO) bench --quiet --bench protection; } \
		| tee benches/record/$$(date +%F)-protection.txt

clean:
	$(CARGO) clean
	rm -rf build
