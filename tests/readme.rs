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

/// Whether a quoted word is a path of the repository rather than a command or a built file.
fn is_repository_path(word: &str) -> bool {
    let top = word.split('/').next().unwrap_or_default();
    !word.contains(' ')
        && (word.contains('/') || ["tests", "examples", "data", "benches", "docs"].contains(&word))
        && top != "build"
}
