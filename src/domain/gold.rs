//! Gold: tiles whose answer experts fixed.

use super::words::words;

words! {
    /// What a gold tile is for.
    GoldKind {
        /// Visibly practice: gives feedback and measures nobody.
        Practice = "practice",
        /// Mixed in unrecognisably: gives no feedback, measures volunteers and starts the model.
        Check = "check",
    }
}
