//! Who may enter when the server is busy: a pure rule over what is under way.
//!
//! Work that can wait leaves room for work that cannot: exports are refused first, then dashboards, then new leases, and
//! last of all answers, which a volunteer has already given.

use std::time::Duration;

/// What a request is for, in the order in which it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A download of a whole campaign.
    Export,
    /// Overviews and statistics.
    Dashboard,
    /// New work, and everything else that asks the database.
    Lease,
    /// Answers of volunteers.
    Submit,
    /// Image tiles and the page: most need no database.
    Image,
    /// The operator's questions, which are always answered.
    Health,
}

impl Class {
    /// All of them.
    pub const ALL: [Class; 6] =
        [Class::Export, Class::Dashboard, Class::Lease, Class::Submit, Class::Image, Class::Health];

    /// The word for it in metrics.
    pub fn key(self) -> &'static str {
        match self {
            Class::Export => "export",
            Class::Dashboard => "dashboard",
            Class::Lease => "lease",
            Class::Submit => "submit",
            Class::Image => "image",
            Class::Health => "health",
        }
    }

    /// What a request is for, by its method and path.
    pub fn of(method: &str, path: &str) -> Class {
        let Some(path) = path.strip_prefix("/api/v1/") else {
            return match path {
                "/healthz" | "/readyz" => Class::Health,
                _ if path.starts_with("/ogc") => Class::Dashboard,
                _ => Class::Image,
            };
        };
        let reads = matches!(method, "GET" | "HEAD");
        let campaign = path.strip_prefix("campaigns").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        match (method, path) {
            ("POST", "labels") | ("DELETE", _) => Class::Submit,
            _ if path.contains("/exports/") || path.contains("/releases/") => Class::Export,
            _ if reads && campaign => Class::Dashboard,
            _ => Class::Lease,
        }
    }

    /// The share of all places that may be taken when one more of this class enters, in hundredths.
    fn share(self) -> usize {
        match self {
            Class::Export => 25,
            Class::Dashboard => 50,
            Class::Lease => 75,
            Class::Submit | Class::Image | Class::Health => 100,
        }
    }
}

/// How much may be under way at a time.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests that need the database.
    pub requests: usize,
    /// Image tiles and files of the page.
    pub images: usize,
    /// An answer that takes so long to store means that nothing but answers is welcome.
    pub slow: Duration,
}

impl Default for Limits {
    /// 256: what one commit on SQLite holds; a fast disk stores them in a tenth of a second.
    fn default() -> Limits {
        Limits { requests: 256, images: 1_024, slow: Duration::from_secs(2) }
    }
}

/// What is under way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Load {
    /// Requests of each class, by its place in [`Class::ALL`].
    pub under_way: [usize; Class::ALL.len()],
    /// How long answers take at the moment to be stored.
    pub wait: Duration,
}

impl Load {
    /// Requests that need the database.
    fn requests(&self) -> usize {
        let asks = |class: &&Class| !matches!(class, Class::Image | Class::Health);
        Class::ALL.iter().filter(asks).map(|class| self.under_way[*class as usize]).sum()
    }
}

/// Whether one more request of this class may enter.
pub fn admits(limits: &Limits, load: &Load, class: Class) -> bool {
    match class {
        Class::Health => true,
        Class::Image => load.under_way[Class::Image as usize] < limits.images,
        // Answers are not refused because the disk is slow: only because too many of them wait.
        Class::Submit => load.requests() < limits.requests,
        Class::Export | Class::Dashboard | Class::Lease => {
            let places = (limits.requests * class.share() / 100).max(1);
            load.requests() < places && load.wait < limits.slow * class.share() as u32 / 100
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { requests: 100, images: 10, slow: Duration::from_secs(2) };

    /// Who may enter, in the order of [`Class::ALL`].
    fn admitted(load: &Load) -> Vec<&'static str> {
        Class::ALL.iter().filter(|class| admits(&LIMITS, load, **class)).map(|class| class.key()).collect()
    }

    fn submits(under_way: usize) -> Load {
        let mut load = Load::default();
        load.under_way[Class::Submit as usize] = under_way;
        load
    }

    #[test]
    fn a_growing_load_shuts_out_exports_first_and_answers_last() {
        let everybody = ["export", "dashboard", "lease", "submit", "image", "health"];
        for (under_way, refused) in [(0, 0), (24, 0), (25, 1), (49, 1), (50, 2), (74, 2), (75, 3), (99, 3), (100, 4)] {
            assert_eq!(admitted(&submits(under_way)), everybody[refused..], "{under_way} under way");
        }
    }

    #[test]
    fn a_slow_disk_shuts_out_everything_but_answers() {
        let at = |ms| admitted(&Load { wait: Duration::from_millis(ms), ..Load::default() });
        assert_eq!(at(400).len(), 6);
        assert_eq!(at(500), ["dashboard", "lease", "submit", "image", "health"]);
        assert_eq!(at(1_600), ["submit", "image", "health"]);
    }

    #[test]
    fn images_have_places_of_their_own() {
        let mut load = submits(100);
        assert!(admits(&LIMITS, &load, Class::Image));
        load.under_way[Class::Image as usize] = 10;
        assert!(!admits(&LIMITS, &load, Class::Image));
        load.under_way[Class::Submit as usize] = 0;
        assert!(admits(&LIMITS, &load, Class::Submit));
    }

    #[test]
    fn a_tiny_server_still_lets_one_of_each_in() {
        let limits = Limits { requests: 1, ..LIMITS };
        assert!(Class::ALL.iter().all(|class| admits(&limits, &Load::default(), *class)));
    }

    #[test]
    fn the_class_follows_from_method_and_path() {
        for (method, path, class) in [
            ("POST", "/api/v1/labels", Class::Submit),
            ("DELETE", "/api/v1/leases/17", Class::Submit),
            ("POST", "/api/v1/campaigns/madre/leases", Class::Lease),
            ("POST", "/api/v1/session", Class::Lease),
            ("GET", "/api/v1/session", Class::Lease),
            ("GET", "/api/v1/campaigns", Class::Dashboard),
            ("GET", "/api/v1/campaigns/madre/statistics", Class::Dashboard),
            ("GET", "/api/v1/campaigns/madre/exports/tiles.csv", Class::Export),
            ("GET", "/ogc/collections", Class::Dashboard),
            ("GET", "/tiles/1/2/3/4", Class::Image),
            ("GET", "/", Class::Image),
            ("GET", "/healthz", Class::Health),
        ] {
            assert_eq!(Class::of(method, path), class, "{method} {path}");
        }
    }
}
