//! The README shows code that is compiled and run elsewhere, and names only files that exist.

use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn the_quick_start_is_the_example_that_the_tests_compile() {
    let readme = read("README.md");
    let (_, block) = readme.split_once("```c\n").expect("a C block in README.md");
    let (block, _) = block.split_once("```").expect("the end of the C block");
    assert_eq!(block, read("examples/quickstart.c"), "README.md and examples/quickstart.c differ");
}

#[test]
fn the_quick_start_stays_quick() {
    assert!(read("examples/quickstart.c").lines().count() <= 30);
}

#[test]
fn every_path_in_the_readme_exists() {
    let readme = read("README.md");
    let (prose, _) = readme.split_once("```c").expect("a C block in README.md");
    let (_, rest) = readme.rsplit_once("```").expect("the end of the C block");
    let quoted = [prose, rest].into_iter().flat_map(|part| part.split('`').skip(1).step_by(2));
    let paths: Vec<_> = quoted.filter(|word| is_repository_path(word)).collect();
    assert!(paths.len() >= 10, "the README names its files: {paths:?}");
    for path in paths {
        assert!(root().join(path).exists(), "README.md names {path}, which does not exist");
    }
}

/// Programs to start from are read as a whole; a tour and a header are for later.
#[test]
fn examples_stay_short_and_are_listed() {
    let listed = read("examples/README.md");
    let elsewhere =
        ["bindings/go/examples/http/main.go", "bindings/node/examples/search.mjs"].map(|name| root().join(name));
    let here = std::fs::read_dir(root().join("examples")).expect("examples").map(|entry| entry.expect("a file").path());
    let mut count = 0;
    for path in here.chain(elsewhere) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if ["README.md", "npy.h"].contains(&name.as_str()) {
            continue;
        }
        assert!(
            listed.contains(&format!("/{name})")) || listed.contains(&format!("({name})")),
            "{name} is not in examples/README.md"
        );
        let lines = std::fs::read_to_string(&path).expect("a text").lines().count();
        assert!(lines < 60 || name == "demo.c", "{name} has {lines} lines");
        count += 1;
    }
    assert!(count >= 8, "only {count} examples");
}

/// Whether a quoted word is a path of the repository rather than a command or a built file.
fn is_repository_path(word: &str) -> bool {
    let top = word.split('/').next().unwrap_or_default();
    !word.contains(' ')
        && (word.contains('/') || ["tests", "examples", "data", "benches", "docs"].contains(&word))
        && top != "build"
}
