//! `include/vdb.h` is generated from `src/capi` and committed. This test makes it again
//! and compares; `VDB_BLESS=1` (as `make header` sets) writes it instead.

use std::fs;
use std::path::PathBuf;

/// The files of `src/capi` in the order of the header's sections.
#[rustfmt::skip]
const SECTIONS: &[&str] = &[
    "library",
    "options",
    "open",
    "write",
    "read",
    "filter",
    "records",
    "snapshot",
    "search",
    "ask",
    "cursor",
    "maintain",
    "check",
    "repair",
    "backup",
    "exchange",
    "observe",
    "task",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn source(name: &str) -> PathBuf {
    root().join("src/capi").join(name).with_extension("rs")
}

fn generate() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("cbindgen.toml is valid");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for name in ["status", "types", "error"].iter().chain(SECTIONS) {
        builder = builder.with_src(source(name));
    }
    let mut bytes = Vec::new();
    builder.generate().expect("cbindgen understands src/capi").write(&mut bytes);
    let mut header = tidy(&String::from_utf8(bytes).expect("the header is UTF-8"));
    for name in SECTIONS {
        add_banner(&mut header, name);
    }
    header
}

/// Fills in the version, writes comments of one line in one line, and leaves out the
/// `struct` that the typedefs make superfluous.
fn tidy(raw: &str) -> String {
    let mut text = raw.trim_start().to_string();
    for (mark, value) in [
        ("@VERSION@", env!("CARGO_PKG_VERSION")),
        ("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR")),
        ("@MINOR@", env!("CARGO_PKG_VERSION_MINOR")),
        ("@PATCH@", env!("CARGO_PKG_VERSION_PATCH")),
    ] {
        text = text.replace(mark, value);
    }
    let lines: Vec<&str> = text.lines().collect();
    let (mut tidy, mut i) = (String::new(), 0);
    while i < lines.len() {
        let short = lines[i].trim() == "/**" && lines.get(i + 2).is_some_and(|l| l.trim() == "*/");
        if short {
            let indent = &lines[i][..lines[i].len() - 3];
            tidy += &format!("{indent}/** {} */\n", lines[i + 1].trim().trim_start_matches("* "));
            i += 3;
        } else {
            tidy += &lines[i].replace("struct vdb", "vdb").replace("typedef vdb", "typedef struct vdb");
            tidy += "\n";
            i += 1;
        }
    }
    tidy.replace("\n\n\n", "\n\n")
        .replace("  // __cplusplus", "")
        .replace(" // __cplusplus", "")
        .replace("  // extern \"C\"", "")
}

/// Puts the section's title and text, the first lines of its file, before its first function.
fn add_banner(header: &mut String, name: &str) {
    let source = fs::read_to_string(source(name)).expect("the section has a file");
    let text: Vec<&str> = source.lines().map_while(|l| l.strip_prefix("//!")).map(str::trim).collect();
    let first = source.split("extern \"C\" fn ").nth(1).and_then(|s| s.split('(').next()).expect("a function");
    let call = header.find(&format!(" {first}(")).or_else(|| header.find(&format!("*{first}("))).expect("declared");
    let begin = header[..call].rfind("/**").expect("documented");
    let rule = "-".repeat(90 - text[0].len());
    let head = format!("/* ---- {} {rule}", text[0]);
    let body: String =
        text[1..].iter().skip_while(|l| l.is_empty()).map(|l| format!(" * {l}").trim_end().to_owned() + "\n").collect();
    let banner = if body.is_empty() { format!("{head} */\n\n") } else { format!("{head}\n{body} */\n\n") };
    header.insert_str(begin, &banner);
}

#[test]
fn the_committed_header_is_the_generated_one() {
    let (path, fresh) = (root().join("include/vdb.h"), generate());
    if std::env::var_os("VDB_BLESS").is_some() {
        fs::write(&path, &fresh).expect("the header can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let line = committed.lines().zip(fresh.lines()).position(|(a, b)| a != b);
    assert!(
        committed == fresh,
        "include/vdb.h is out of date (first difference after line {line:?}): run `make header`"
    );
}
