//! Brings in what volunteers of another system answered: files are read and checked as a whole, then stored as a campaign
//! that is closed to labelling, then weighed by our consensus.

mod add_labels;
mod answers;
mod bring_in;
mod comparison;
mod files;
mod labels;
mod mapswipe;
mod places;
mod reference;
mod report;
mod report_text;
mod sessions;
mod times;

use sha2::{Digest, Sha256};

use crate::domain::bbox::Bbox;
use crate::domain::cell::Cell;
use crate::domain::names::Names;

pub use answers::Meaning;
pub use bring_in::{Brought, Settings, bring_in};
pub use comparison::{At, Comparison, Method};
pub use labels::read_labels;
pub use mapswipe::read_mapswipe;
pub use reference::Reference;
pub use report::{Report, THRESHOLDS, report};

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SourceFile {
    /// Its name, without the folder.
    pub name: String,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// What it was taken for.
    pub holds: &'static str,
    /// Its rows or features.
    pub rows: u64,
}

/// Where a tile lies.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// A cell of the XYZ grid.
    Cell(Cell),
    /// An outline of its own: GeoJSON geometry and the rectangle around it, degrees.
    Outline(String, Bbox),
}

/// One answer, by the numbers of its task and its author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Given {
    /// Number of the task.
    pub task: u32,
    /// Number of the author.
    pub person: u32,
    /// When it was given; milliseconds since 1970, UTC. Without times, the number of its row.
    pub at: i64,
    /// Place of the answer on the scale.
    pub answer: u8,
    /// When the author began with it, or with its group; likewise.
    pub began_at: i64,
    /// Number of the program that sent it, from 1; 0 where unknown.
    pub client: u32,
}

/// What the files of a project say, checked as a whole; nothing of it is stored yet.
#[derive(Debug)]
pub struct Project {
    /// `mapswipe` or `labels`.
    pub source: &'static str,
    /// The project's id in the other system, if the files name one.
    pub id: Option<String>,
    /// The files, in the order in which they were read.
    pub files: Vec<SourceFile>,
    /// Public ids of the tiles.
    pub tasks: Names,
    /// Where each lies.
    pub places: Vec<Place>,
    /// The authors, under the names that the other system gave them.
    pub people: Names,
    /// Programs, `name/version`.
    pub clients: Names,
    /// The answers by task, author and time, each once.
    pub given: Vec<Given>,
    /// Whether the files say when answers were given.
    pub timed: bool,
    /// Rows that say what another row said before.
    pub repeated: u64,
    /// Counts per task that the other system published, to be held against ours.
    pub published: Vec<Published>,
}

/// What another system counted for one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The task.
    pub task: String,
    /// Its answers, all together.
    pub total: u64,
    /// Those called `1`: damage, change, yes.
    pub yes: u64,
}

impl Project {
    /// Sorts tasks and answers and drops repeats: of one author for one task, the same answer at the same time, or, where
    /// no times are known, the same answer again.
    fn sort(&mut self) {
        self.sort_tasks();
        let before = self.given.len();
        self.given.sort_unstable();
        let timed = self.timed;
        self.given.dedup_by_key(|given| (given.task, given.person, given.answer, if timed { given.at } else { 0 }));
        self.repeated = (before - self.given.len()) as u64;
    }

    /// Numbers tasks in the order of their ranks.
    fn sort_tasks(&mut self) {
        let mut order: Vec<u32> = (0..self.tasks.list.len() as u32).collect();
        order.sort_by_cached_key(|&task| (self.rank(task), self.tasks.list[task as usize].clone()));
        let mut sorted = Names::default();
        let mut number = vec![0; order.len()];
        for task in order {
            number[task as usize] = sorted.number(&self.tasks.list[task as usize]);
        }
        self.tasks = sorted;
        self.given.iter_mut().for_each(|given| given.task = number[given.task as usize]);
    }

    /// Where a task stands among all, the same in every file that names it: cells by their place on the quadtree, others
    /// by a hash of their name. The highest bits count.
    fn rank(&self, task: u32) -> u64 {
        let name = &self.tasks.list[task as usize];
        match name.parse::<Cell>() {
            Ok(cell) => {
                let digits = cell.quadkey().into_bytes().into_iter().map(|digit| u64::from(digit - b'0'));
                digits.zip((0..=62).rev().step_by(2)).fold(0, |rank, (digit, bit)| rank | digit << bit)
            }
            Err(_) => Sha256::digest(name.as_bytes()).iter().take(8).fold(0, |rank, byte| rank << 8 | u64::from(*byte)),
        }
    }
}
