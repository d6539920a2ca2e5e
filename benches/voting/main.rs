//! What the voting core must show: the figures that take too long for a test. `cargo bench --bench voting`.
//!
//! Needs the development sets in `$AFTERMAP_TEST_DATA/crowd`; says so and does only the timing without them.

mod adaptive;
mod numpy;
mod sets;

fn main() {
    match sets::root() {
        None => println!("no crowd sets in $AFTERMAP_TEST_DATA: adaptive redundancy is skipped"),
        Some(root) => {
            if let Err(reason) = adaptive::run(&root) {
                println!("failed: {reason}");
                std::process::exit(1);
            }
        }
    }
}
