//! The imagery room on real pictures and on pictures drawn for the purpose.

mod align;
mod change;
mod counted;
mod gdal;
mod greedy;
mod helpers;
mod nasty;
mod outlines;
mod place;
mod real;
mod soak;
mod tiles;
mod town;

#[global_allocator]
static ALLOCATOR: counted::Counted = counted::Counted;
