//! Who the simulated volunteers are, and what they answer.

use clap::ValueEnum;
use rand::{Rng, RngExt};

use super::Campaign;
use super::truth::dice;

/// Share of the tiles on which a ring gives its own answer.
const RING_SHARE: f64 = 0.35;

/// What kind of people label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Crowd {
    /// Mostly good, some careless, some biased, a few at random
    Mixed,
    /// Right in 85 to 97 of 100 tiles
    Good,
    /// Right in 60 to 80 of 100 tiles
    Careless,
    /// Good, but see one class more or less in a third of the tiles
    Biased,
    /// Answer without looking
    Random,
}

/// What somebody does with a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Gives the answer at this place of the scale.
    Answer(usize),
    /// Skips it.
    Skip,
}

/// One simulated person.
#[derive(Debug, Clone)]
pub struct Volunteer {
    seed: u64,
    number: u32,
    /// Share of the tiles whose class is recognised.
    accuracy: f64,
    /// Classes by which a biased person is off, and in what share of the tiles.
    bias: (isize, f64),
    /// Shares of the tiles answered with `unsure`, with `bad_imagery`, and skipped.
    side: [f64; 3],
    /// Whether this account is one of a ring, which shares one wrong answer on some tiles and is careful on the others.
    in_ring: bool,
    /// Tiles after which this person takes a break with tiles in hand; `None`: works to the end.
    pub leaves_after: Option<u32>,
}

impl Volunteer {
    /// Draws the person of that number.
    pub fn draw(seed: u64, number: u32, crowd: Crowd) -> Volunteer {
        let mut rng = dice(&[&seed.to_le_bytes(), b"volunteer", &number.to_le_bytes()]);
        let kind = match (crowd, rng.random_range(0..100)) {
            (Crowd::Mixed, 0..70) => Crowd::Good,
            (Crowd::Mixed, 70..88) => Crowd::Careless,
            (Crowd::Mixed, 88..96) => Crowd::Biased,
            (Crowd::Mixed, _) => Crowd::Random,
            (same, _) => same,
        };
        let accuracy = match kind {
            Crowd::Careless => rng.random_range(0.60..0.80),
            Crowd::Random => 0.0,
            _ => rng.random_range(0.85..0.97),
        };
        let direction = if rng.random_bool(0.5) { 1 } else { -1 };
        let bias = if kind == Crowd::Biased { (direction, 0.33) } else { (0, 0.0) };
        let side = [rng.random_range(0.0..0.06), rng.random_range(0.0..0.01), rng.random_range(0.0..0.03)];
        let leaves_after = rng.random_bool(0.15).then(|| rng.random_range(3..20));
        Volunteer { seed, number, accuracy, bias, side, in_ring: false, leaves_after }
    }

    /// The same person as one of a ring: no habits of their own, and no breaks.
    pub fn in_ring(self) -> Volunteer {
        Volunteer { accuracy: 0.97, bias: (0, 0.0), side: [0.0; 3], in_ring: true, leaves_after: None, ..self }
    }

    /// What this person does with a tile whose right answer stands at `truth`; always the same.
    pub fn act(&self, campaign: &Campaign, tile: &str, truth: usize) -> Act {
        if self.in_ring && truth < campaign.classes && dice(&[b"ring", tile.as_bytes()]).random_bool(RING_SHARE) {
            return Act::Answer((truth + 1) % campaign.classes);
        }
        let mut rng = dice(&[&self.seed.to_le_bytes(), b"answer", &self.number.to_le_bytes(), tile.as_bytes()]);
        let [unsure, bad, skip] = self.side;
        let chance: f64 = rng.random();
        match (campaign.unsure, campaign.bad_imagery) {
            _ if chance < skip => Act::Skip,
            (Some(place), _) if chance < skip + unsure => Act::Answer(place),
            (_, Some(place)) if chance < skip + unsure + bad => Act::Answer(place),
            // A right answer that is no class (a cloud over the building) is seen or not, but never graded.
            _ if truth >= campaign.classes && rng.random_bool(self.accuracy) => Act::Answer(truth),
            _ if truth >= campaign.classes => Act::Answer(rng.random_range(0..campaign.classes)),
            _ => Act::Answer(self.see(campaign, truth, &mut rng)),
        }
    }

    /// The class that is seen. On an ordered scale mistakes mostly fall on the neighbouring class.
    fn see(&self, campaign: &Campaign, truth: usize, rng: &mut impl Rng) -> usize {
        let last = campaign.classes - 1;
        if self.accuracy == 0.0 {
            return rng.random_range(0..=last);
        }
        let (shift, often) = self.bias;
        if shift != 0 && rng.random_bool(often) {
            return truth.saturating_add_signed(shift).min(last);
        }
        if rng.random_bool(self.accuracy) || last == 0 {
            return truth;
        }
        let weight = |class: usize| match class.abs_diff(truth) {
            0 => 0.0,
            distance if campaign.ordered => 1.0 / (distance * distance) as f64,
            _ => 1.0,
        };
        let mut left = rng.random_range(0.0..(0..=last).map(weight).sum::<f64>());
        for class in 0..=last {
            left -= weight(class);
            if left < 0.0 {
                return class;
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campaign() -> Campaign {
        let answers = ["no_visible_damage", "damaged", "destroyed", "unsure", "bad_imagery"];
        Campaign {
            state: "open".into(),
            classes: 3,
            ordered: true,
            answers: answers.map(String::from).to_vec(),
            unsure: Some(3),
            bad_imagery: Some(4),
        }
    }

    /// How often each answer was given for 4,000 tiles whose right answer is `truth`.
    fn counts(crowd: Crowd, truth: usize) -> [usize; 5] {
        let (campaign, mut counts) = (campaign(), [0; 5]);
        for number in 0..40 {
            let volunteer = Volunteer::draw(7, number, crowd);
            for tile in 0..100 {
                if let Act::Answer(place) = volunteer.act(&campaign, &format!("b{tile}"), truth) {
                    counts[place] += 1;
                }
            }
        }
        counts
    }

    #[test]
    fn a_person_always_answers_a_tile_the_same() {
        let (campaign, volunteer) = (campaign(), Volunteer::draw(1, 3, Crowd::Mixed));
        let again = Volunteer::draw(1, 3, Crowd::Mixed);
        for tile in ["b1", "b2", "17-5-6"] {
            assert_eq!(volunteer.act(&campaign, tile, 1), again.act(&campaign, tile, 1));
        }
    }

    #[test]
    fn good_people_are_mostly_right_and_miss_by_one_class() {
        let [intact, damaged, destroyed, ..] = counts(Crowd::Good, 2);
        assert!(destroyed > 3_200, "{destroyed}");
        assert!(damaged > 2 * intact, "{damaged} one class off, {intact} two");
    }

    #[test]
    fn some_answers_say_nothing_and_random_people_know_nothing() {
        let [intact, damaged, destroyed, unsure, bad] = counts(Crowd::Random, 0);
        assert!(unsure > bad && bad > 0, "{unsure} {bad}");
        assert!(intact.abs_diff(destroyed) < 250 && intact.abs_diff(damaged) < 250, "{intact} {damaged} {destroyed}");
    }

    #[test]
    fn a_ring_gives_one_wrong_answer_together_and_is_careful_elsewhere() {
        let campaign = campaign();
        let members: Vec<Volunteer> = (0..5).map(|number| Volunteer::draw(7, number, Crowd::Mixed).in_ring()).collect();
        let said =
            |tile: usize| members.iter().map(|one| one.act(&campaign, &format!("b{tile}"), 0)).collect::<Vec<_>>();
        let together = (0..400).filter(|&tile| said(tile).iter().all(|act| *act == Act::Answer(1))).count();
        let right = (0..400).flat_map(said).filter(|act| *act == Act::Answer(0)).count();
        assert!((100..180).contains(&together) && right > 1_100, "{together} {right}");
    }

    #[test]
    fn a_cloud_is_seen_as_a_cloud() {
        assert!(counts(Crowd::Good, 4)[4] > 3_200);
    }
}
