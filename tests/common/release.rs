//! The library as it is released, and the compilers of its users.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Brings `build/lib` up to date.
pub fn make_build() -> Command {
    let mut make = Command::new("make");
    make.args(["--no-print-directory", "build"]).current_dir(root());
    // The variables of an outer make would be taken for this one's.
    make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    make
}

/// The C or C++ compiler that the `cc` crate finds (CC, CXX, or the usual names).
pub fn compiler(cpp: bool) -> Option<PathBuf> {
    let told = Command::new("rustc").arg("-vV").output().ok()?;
    let told = String::from_utf8(told.stdout).ok()?;
    let host = told.lines().find_map(|l| l.strip_prefix("host: "))?;
    let found = cc::Build::new().cpp(cpp).host(host).target(host).opt_level(0).cargo_metadata(false).try_get_compiler();
    let path = found.ok()?.path().to_path_buf();
    Command::new(&path).arg("--version").output().ok().map(|_| path)
}
