//! What a run found, counted; and randomness that a seed repeats.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;
use vdb::util::hash::mix;

/// The ways in which a database can break its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// An acknowledged batch is gone.
    Lost,
    /// The database cannot be opened or read, though nobody damaged it.
    Unreadable,
    /// Part of a batch is there.
    Half,
    /// The process died or panicked.
    Crash,
    /// No answer in time, or only with far more memory than the files are long.
    Hang,
    /// An answer that the rows do not give.
    Wrong,
}

impl Trouble {
    pub const ALL: [Trouble; 6] =
        [Trouble::Lost, Trouble::Unreadable, Trouble::Half, Trouble::Crash, Trouble::Hang, Trouble::Wrong];

    pub fn name(self) -> &'static str {
        ["lost", "unreadable", "half", "crash", "hang", "wrong"][self as usize]
    }

    pub fn named(name: &str) -> Option<Trouble> {
        Trouble::ALL.into_iter().find(|trouble| trouble.name() == name)
    }

    /// A finding of this kind.
    pub fn because(self, what: impl Display) -> Finding {
        Finding { trouble: self, what: what.to_string() }
    }
}

#[derive(Debug)]
pub struct Finding {
    pub trouble: Trouble,
    pub what: String,
}

impl Finding {
    /// The same finding, with where it was made.
    pub fn at(self, place: impl Display) -> Finding {
        Finding { what: format!("{place}: {}", self.what), ..self }
    }
}

pub type Verdict<T = ()> = Result<T, Finding>;

/// Numbers of cases and of each trouble.
#[derive(Clone, Copy, Default)]
pub struct Tally {
    pub cases: u64,
    pub troubles: [u64; Trouble::ALL.len()],
    /// Whether this machine lacks what the kind needs.
    pub skipped: bool,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.cases += other.cases;
        self.troubles.iter_mut().zip(other.troubles).for_each(|(sum, n)| *sum += n);
    }

    pub fn is_clean(&self) -> bool {
        self.troubles == Tally::default().troubles
    }
}

/// One kind of torture under way, in a process of its own. What it finds goes to the
/// parent process line by line, so that it is known whatever happens next.
pub struct Run {
    pub seed: u64,
    pub deadline: Instant,
    /// Cases that are tried however long they take.
    pub least: u64,
    /// The only round to run, when one is to be repeated.
    pub only: Option<u64>,
}

impl Run {
    /// Runs round after round until time is up and there were cases enough. `round` gets randomness of its own and
    /// returns the number of cases it was.
    pub fn rounds(&self, mut round: impl FnMut(&mut Dice) -> Verdict<u64>) {
        let mut sum = 0;
        for number in self.only.unwrap_or(0).. {
            let mut dice = Dice::new(mix(number, self.seed));
            let result = catch_unwind(AssertUnwindSafe(|| round(&mut dice)));
            match result.unwrap_or_else(|panic| Err(Trouble::Crash.because(text_of(panic.as_ref())))) {
                Ok(cases) => {
                    sum += cases;
                    println!("cases {cases}");
                }
                Err(finding) => {
                    // Each counts: were all of them findings, this would go on for ever.
                    sum += 1;
                    let what = finding.what.replace('\n', " ");
                    println!("cases 1\nfinding {} round {number}: {what}", finding.trouble.name());
                }
            }
            if self.only.is_some() || sum >= self.least && Instant::now() >= self.deadline {
                return;
            }
        }
    }
}

fn text_of(panic: &dyn std::any::Any) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("?"))
}

/// Random numbers that depend on the seed alone.
#[derive(Clone)]
pub struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice { seed, thrown: 0 }
    }

    pub fn number(&mut self) -> u64 {
        self.thrown += 1;
        mix(self.thrown, self.seed)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.number() % limit as u64) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}
