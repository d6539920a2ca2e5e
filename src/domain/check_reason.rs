//! Why a thing on the check list stands as it does.

use super::words::words;

words! {
    /// Why a thing stands as it does: the word by which pages say it in the reader's language.
    Reason {
        /// Fewer than two scenes.
        TooFewScenes = "too_few_scenes",
        /// Two scenes.
        Pair = "pair",
        /// More than two.
        Timeline = "timeline",
        /// Two scenes of one moment: `names`.
        SameTime = "same_time",
        /// A scene of a day to come: `names`.
        InFuture = "in_future",
        /// Two scenes whose times overlap: `names`.
        Overlap = "overlap",
        /// The dates can be put in order.
        InOrder = "in_order",
        /// Scenes without licence or credit line: `names`.
        Uncredited = "uncredited",
        /// Every scene says whose it is.
        Credited = "credited",
        /// No scene was found to lie beside the first.
        Aligned = "aligned",
        /// Scenes that lie beside the first: `names`.
        Misaligned = "misaligned",
        /// No tile.
        NoTiles = "no_tiles",
        /// Tiles cannot be told yet: a picture is missing.
        TilesLater = "tiles_later",
        /// So many tiles.
        Tiles = "tiles",
        /// Jobs wait or run.
        JobsUnderWay = "jobs_under_way",
        /// None does.
        NoJobs = "no_jobs",
        /// The text is there.
        Written = "written",
        /// No title in the campaign's language.
        NoTitle = "no_title",
        /// Nobody is told what the work is for.
        NoPurpose = "no_purpose",
        /// Nobody is told how to answer.
        NoInstructions = "no_instructions",
        /// Nobody is warned of what they may see.
        NoCareNotice = "no_care_notice",
        /// Nobody is told where to find help.
        NoHelpLines = "no_help_lines",
        /// Another text is missing.
        NotWritten = "not_written",
        /// The field guide explains every answer.
        Explained = "explained",
        /// It lacks some.
        Unexplained = "unexplained",
        /// Every language has all texts.
        AllLanguages = "all_languages",
        /// Some lack texts: `names` are their codes, each with a text that it lacks, as `fr/introduction`.
        LanguagesLack = "languages_lack",
        /// The first weighing comes late, or never: after `refit_after` of about `labels` answers; `better` would do.
        RefitLate = "refit_late",
        /// Skills are measured often enough.
        RefitInTime = "refit_in_time",
        /// A practice is required, and there is none.
        PracticeMissing = "practice_missing",
        /// There is no practice.
        NoPractice = "no_practice",
        /// Classes that no practice tile shows: `names` are their keys.
        PracticeLacks = "practice_lacks",
        /// Practice tiles of every class.
        Practice = "practice",
        /// There is no check gold.
        NoCheck = "no_check",
        /// Classes that no check gold shows: `names` are their keys.
        CheckLacks = "check_lacks",
        /// Check gold of every class.
        Check = "check",
        /// The map has a licence.
        Licensed = "licensed",
        /// It has none.
        Unlicensed = "unlicensed",
        /// Everybody sees the map tile by tile.
        ForEverybody = "for_everybody",
        /// Not everybody does.
        NotForEverybody = "not_for_everybody",
    }
}
