//! The library as a C program sees it: builds it, compiles `c_tests` against the
//! header, and runs them plain, under the address and undefined-behaviour sanitizers, and
//! under valgrind. Also: the header under every C and C++ standard, exported symbols,
//! SONAME, the static library, loading and unloading.
//!
//! A program of its own (`harness = false`), so that each C test is counted. It tests the
//! library in `VDB_LIB_DIR`, or else lets `make build` bring `build/lib` up to date.

#[path = "common/release.rs"]
mod release;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::time::{Duration, Instant};

const WARNINGS: &[&str] = &["-Wall", "-Wextra", "-Wpedantic", "-Werror"];
/// What a program needs besides the static library.
const STATIC_LIBS: &[&str] = &["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"];
/// Longest run of one program.
const PATIENCE: Duration = Duration::from_secs(1200);

/// Results, printed as the standard test runner does, so that one script sums all.
#[derive(Default)]
struct Tally {
    passed: u32,
    failed: u32,
}

impl Tally {
    fn record(&mut self, name: &str, result: Result<(), String>) {
        match result {
            Ok(()) => {
                self.passed += 1;
                println!("test {name} ... ok");
            }
            Err(why) => {
                self.failed += 1;
                println!("test {name} ... FAILED\n{why}");
            }
        }
    }
}

/// Where everything is.
struct Place {
    root: PathBuf,
    lib: PathBuf,
    work: tempfile::TempDir,
    cc: PathBuf,
    cxx: Option<PathBuf>,
}

fn main() -> ExitCode {
    let mut tally = Tally::default();
    match prepare() {
        Err(why) => tally.record("c/prepare", Err(why)),
        Ok(place) => {
            header_standards(&place, &mut tally);
            tally.record("c/symbols_are_the_headers", symbols(&place));
            tally.record("c/soname_is_the_abi", soname(&place));
            tally.record("c/quickstart_shared", quickstart(&place, "shared"));
            tally.record("c/quickstart_static", quickstart(&place, "static"));
            tally.record("c/quickstart_as_cpp", quickstart(&place, "cpp"));
            tally.record("c/records_example", records_example(&place));
            tally.record("c/search_by_meaning", search_by_meaning(&place));
            tally.record("c/load_and_unload", load_and_unload(&place));
            c_tests(&place, &mut tally);
        }
    }
    let verdict = if tally.failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {verdict}. {} passed; {} failed; 0 ignored", tally.passed, tally.failed);
    if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn prepare() -> Result<Place, String> {
    let root = release::root().to_path_buf();
    let lib = match std::env::var_os("VDB_LIB_DIR") {
        Some(dir) => root.join(dir),
        None => {
            run(&mut release::make_build())?;
            root.join("build/lib")
        }
    };
    if !lib.join("libvdb.so").exists() {
        return Err(format!("{} has no libvdb.so: run `make build`, or set VDB_LIB_DIR", lib.display()));
    }
    let work = tempfile::tempdir().map_err(|e| e.to_string())?;
    let cc = release::compiler(false).ok_or("no C compiler: set CC")?;
    Ok(Place { root, lib, work, cc, cxx: release::compiler(true) })
}

/// Runs to the end; the output of a failure is its reason.
fn run(command: &mut Command) -> Result<Output, String> {
    let output = finish(command)?;
    if output.status.success() {
        return Ok(output);
    }
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{command:?}: {}\n{out}{err}", output.status))
}

/// Runs until the program ends or patience does. Output goes through files, so that a
/// program that writes much cannot stall.
fn finish(command: &mut Command) -> Result<Output, String> {
    let text = |e: std::io::Error| format!("{command:?}: {e}");
    let (out, err) = (tempfile::NamedTempFile::new().map_err(text)?, tempfile::NamedTempFile::new().map_err(text)?);
    let to = |file: &tempfile::NamedTempFile| file.reopen().map(Stdio::from).map_err(|e| e.to_string());
    let mut child =
        command.stdin(Stdio::null()).stdout(to(&out)?).stderr(to(&err)?).spawn().map_err(|e| e.to_string())?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) => break status,
            None if start.elapsed() > PATIENCE => {
                let _ = child.kill();
                break child.wait().map_err(|e| e.to_string())?;
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let read = |file: &tempfile::NamedTempFile| fs::read(file.path()).map_err(|e| e.to_string());
    Ok(Output { status, stdout: read(&out)?, stderr: read(&err)? })
}

impl Place {
    fn cc(&self, standard: &str) -> Command {
        let mut command = Command::new(&self.cc);
        command.arg(format!("-std={standard}")).args(WARNINGS).arg("-I").arg(self.root.join("include"));
        command
    }

    /// Adds the shared library, found again when the program starts.
    fn link<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let rpath = format!("-Wl,-rpath,{}", self.lib.display());
        command.arg("-L").arg(&self.lib).args(["-lvdb", "-lm", "-lpthread"]).arg(rpath)
    }

    fn out(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }
}

/// A file that uses each macro of the header compiles without a warning.
fn header_standards(place: &Place, tally: &mut Tally) {
    let source = "#include <vdb.h>\n\
                  vdb_error_t error = VDB_ERROR_INIT;\n\
                  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;\n\
                  uint32_t number(void);\n\
                  uint32_t number(void) { return VDB_VERSION_NUMBER + VDB_ABI_VERSION + (VDB_ID_NONE == 0); }\n";
    let languages = [("c", ["c99", "c11", "c17", "c2x"].as_slice()), ("cpp", ["c++11", "c++17", "c++20"].as_slice())];
    for (extension, standards) in languages {
        let file = place.out(&format!("header.{extension}"));
        if let Err(e) = fs::write(&file, source) {
            return tally.record("c/header", Err(e.to_string()));
        }
        let compiler = if extension == "c" { Some(&place.cc) } else { place.cxx.as_ref() };
        let Some(compiler) = compiler else {
            println!("skipped: no C++ compiler to compile the header with");
            continue;
        };
        for standard in standards {
            let mut command = Command::new(compiler);
            command.arg(format!("-std={standard}")).args(WARNINGS).arg("-I").arg(place.root.join("include"));
            let result = run(command.arg("-fsyntax-only").arg(&file)).map(drop);
            tally.record(&format!("c/header_as_{standard}"), result);
        }
    }
}

/// Names followed by a parenthesis in lines that declare something.
fn declared(header: &str) -> BTreeSet<String> {
    let code = header.lines().filter(|l| !l.trim_start().starts_with(['*', '/', '#']));
    let calls = code.filter_map(|l| Some(l.split_once('(')?.0));
    let names = calls.filter_map(|before| before.rsplit([' ', '*']).next());
    names.filter(|n| n.starts_with("vdb_")).map(String::from).collect()
}

fn symbols(place: &Place) -> Result<(), String> {
    let header = fs::read_to_string(place.root.join("include/vdb.h")).map_err(|e| e.to_string())?;
    let Ok(output) = run(Command::new("nm").args(["-D", "--defined-only"]).arg(place.lib.join("libvdb.so"))) else {
        println!("skipped: no nm to list the exported symbols with");
        return Ok(());
    };
    let listing = String::from_utf8_lossy(&output.stdout).into_owned();
    let exported: BTreeSet<String> =
        listing.lines().filter_map(|l| l.split(' ').next_back()).map(String::from).collect();
    let declared = declared(&header);
    match declared.len() > 20 && exported == declared {
        true => Ok(()),
        false => Err(format!("exported and declared differ: {:?}", exported.symmetric_difference(&declared))),
    }
}

fn soname(place: &Place) -> Result<(), String> {
    let header = fs::read_to_string(place.root.join("include/vdb.h")).map_err(|e| e.to_string())?;
    let abi = header.lines().find_map(|l| l.strip_prefix("#define VDB_ABI_VERSION ")).ok_or("no ABI in the header")?;
    let Ok(output) = run(Command::new("readelf").arg("-d").arg(place.lib.join("libvdb.so"))) else {
        println!("skipped: no readelf to read the SONAME with");
        return Ok(());
    };
    let name = format!("libvdb.so.{abi}");
    let has = String::from_utf8_lossy(&output.stdout).contains(&format!("[{name}]"));
    match has && place.lib.join(&name).exists() {
        true => Ok(()),
        false => Err(format!("SONAME or file is not {name}")),
    }
}

/// The README's program, linked both ways, and as C++; it makes its database where it is run.
fn quickstart(place: &Place, way: &str) -> Result<(), String> {
    let program = place.out(&format!("quickstart_{way}"));
    let directory = place.out(&format!("quickstart_{way}.dir"));
    fs::create_dir(&directory).map_err(|e| e.to_string())?;
    let mut command = place.cc("c11");
    command.arg(place.root.join("examples/quickstart.c")).arg("-o").arg(&program);
    match way {
        "shared" => run(place.link(&mut command))?,
        "cpp" => {
            let Some(cxx) = &place.cxx else {
                println!("skipped: no C++ compiler for the quick start");
                return Ok(());
            };
            let mut command = Command::new(cxx);
            command.arg("-std=c++17").args(WARNINGS).arg("-I").arg(place.root.join("include"));
            command.args(["-x", "c++"]).arg(place.root.join("examples/quickstart.c")).args(["-x", "none", "-o"]);
            run(place.link(command.arg(&program)))?
        }
        _ => run(command.arg(place.lib.join("libvdb.a")).args(STATIC_LIBS))?,
    };
    run(Command::new(program).current_dir(directory)).map(drop)
}

/// The program for keys, metadata and filters that the README names.
fn records_example(place: &Place) -> Result<(), String> {
    let program = place.out("records_example");
    run(place.link(place.cc("c11").arg(place.root.join("examples/records.c")).arg("-o").arg(&program)))?;
    let output = run(&mut Command::new(program))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if said == "blue-train, distance 2.0\n" { Ok(()) } else { Err(format!("it says {said:?}")) }
}

/// The command line on the bundled sample: the first run makes the database, the second finds it without the sample.
fn search_by_meaning(place: &Place) -> Result<(), String> {
    let (program, database) = (place.out("search"), place.out("words.vdb"));
    let mut command = place.cc("c11");
    command.arg(place.root.join("examples/search.c")).arg("-o").arg(&program);
    run(place.link(&mut command))?;
    let sample = place.root.join("data/wordnet");
    let nowhere = place.out("nowhere");
    for (data, phrase, wanted) in
        [(&sample, "drizzle", "  0.458  rain, rain down"), (&nowhere, "volcano", "  0.331  crater")]
    {
        let output = run(Command::new(&program).args([&database, data]).arg(phrase))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if said.lines().count() != 6 || !said.contains(wanted) {
            return Err(format!("{phrase}: {said}"));
        }
    }
    match run(Command::new(&program).args([&database, &nowhere]).arg("no such phrase")) {
        Ok(_) => Err("a phrase that no entry has is found".to_string()),
        Err(said) if said.contains("no entry has the phrase") => Ok(()),
        Err(said) => Err(said),
    }
}

fn load_and_unload(place: &Place) -> Result<(), String> {
    let program = place.out("load");
    let mut command = place.cc("c11");
    run(command.arg(place.root.join("c_tests/load/load.c")).arg("-o").arg(&program).args(["-ldl", "-lpthread"]))?;
    run(Command::new(program).arg(place.lib.join("libvdb.so"))).map(drop)
}

/// Ways to run the C tests: name, compiler flags, what to run them in.
fn c_tests(place: &Place, tally: &mut Tally) {
    let sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];
    let Some(program) = build_tests(place, "plain", &[], tally) else { return };
    let works = {
        let file = place.out("works.c");
        let written = fs::write(&file, "int main(void) { return 0; }\n").is_ok();
        written && run(place.cc("c11").args(sanitizers).arg(file).arg("-o").arg(place.out("works"))).is_ok()
    };
    std::thread::scope(|scope| {
        // It is slow and on one core: the others run beside it.
        let valgrind = scope.spawn(|| under_valgrind(&program));
        count("plain", finish(&mut Command::new(&program)), tally);
        if !works {
            println!("skipped: the C compiler has no address and undefined-behaviour sanitizers");
        } else if let Some(program) = build_tests(place, "sanitizers", &sanitizers, tally) {
            count("sanitizers", finish(&mut Command::new(program)), tally);
        }
        match valgrind.join() {
            Ok(Some(output)) => count("valgrind", output, tally),
            Ok(None) => println!("skipped: valgrind not installed"),
            Err(_) => tally.record("c/valgrind/runs", Err("the thread that waited for it panicked".into())),
        }
    });
}

/// The tests, shortened, under valgrind; `None` where there is none.
fn under_valgrind(program: &Path) -> Option<Result<Output, String>> {
    Command::new("valgrind").arg("--version").output().ok()?;
    let mut command = Command::new("valgrind");
    // Its default lock lets one thread that never sleeps starve all others for ever.
    command.args(["-q", "--fair-sched=yes", "--error-exitcode=9", "--leak-check=full"]);
    command.args(["--errors-for-leak-kinds=definite", "--show-leak-kinds=definite", "--child-silent-after-fork=yes"]);
    Some(finish(command.arg(program).env("VDB_TEST_QUICK", "1")))
}

fn build_tests(place: &Place, way: &str, flags: &[&str], tally: &mut Tally) -> Option<PathBuf> {
    let program = place.out(&format!("c_tests_{way}"));
    let mut command = place.cc("c11");
    command.args(["-O1", "-g"]).args(flags).args(sources(&place.root.join("c_tests"))).arg("-o").arg(&program);
    let built = run(place.link(&mut command)).map(drop);
    let ok = built.is_ok();
    tally.record(&format!("c/{way}/compiles"), built);
    ok.then_some(program)
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|e| e.path());
    let mut files: Vec<_> = entries.filter(|p| p.extension().is_some_and(|e| e == "c")).collect();
    files.sort();
    files
}

/// Counts each line "ok NAME" and "FAIL NAME"; what a failed test printed comes before it.
fn count(way: &str, output: Result<Output, String>, tally: &mut Tally) {
    let output = match output {
        Ok(output) => output,
        Err(why) => return tally.record(&format!("c/{way}/runs"), Err(why)),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (mut said, mut finished) = (String::new(), false);
    for line in text.lines() {
        match line.split_once(' ') {
            Some(("ok", name)) => tally.record(&format!("c/{way}/{name}"), Ok(())),
            Some(("FAIL", name)) => tally.record(&format!("c/{way}/{name}"), Err(std::mem::take(&mut said))),
            Some(("skipped:", _)) => println!("{line}"),
            _ => {
                said = said + line + "\n";
                finished |= line.ends_with(" failed");
            }
        }
    }
    // A crash, a leak, a report of a sanitizer: after or between the tests.
    let clean = match finished && output.status.code().is_some_and(|c| c <= 1) && output.stderr.is_empty() {
        true => Ok(()),
        false => Err(format!("{}\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr))),
    };
    tally.record(&format!("c/{way}/ends_clean"), clean);
}
