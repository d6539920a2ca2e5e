//! Date windows: by hand, in a simulation with known truth, and for any input.

use super::*;
use proptest::prelude::*;

const SCENES: usize = 15;

fn window(last_intact: Option<u16>, first_damaged: Option<u16>) -> Window {
    Window::new(last_intact, first_damaged).unwrap()
}

#[test]
fn impossible_windows_do_not_exist() {
    assert_eq!(Window::new(None, None), None);
    assert_eq!(Window::new(Some(4), Some(4)), None);
    assert_eq!(Window::new(Some(5), Some(4)), None);
}

#[test]
fn models_and_skills_come_back_to_the_bit() {
    let model = WindowModel { average: WindowSkill { wrong: 0.123, late: 0.7 }, ..WindowModel::zero(SCENES) };
    let bytes = model.to_bytes();
    assert_eq!(WindowModel::from_bytes(&bytes), Ok(model));
    assert!((0..bytes.len()).all(|end| WindowModel::from_bytes(&bytes[..end]).is_err()));
}

#[test]
fn agreeing_windows_give_a_narrow_answer() {
    let model = WindowModel::zero(SCENES);
    let votes = [(Some(3), Some(4)), (Some(2), Some(5)), (Some(3), Some(4))].map(|(a, b)| (window(a, b), None));
    let c = consensus(&model, &votes);
    let m = c.median.unwrap();
    assert_eq!((m.last_intact, m.first_damaged), (Some(3), Some(4)));
    assert!(m.probability > 0.75 && c.credible.unwrap().probability >= 0.9, "{c:?}");
}

#[test]
fn labels_older_than_a_scene_are_right_censored() {
    // Given when there were 10 scenes: "intact in scene 9". Five scenes came later.
    let old = vec![(window(Some(9), None), None); 3];
    let c = consensus(&WindowModel::zero(SCENES), &old);
    let later: f64 = c.bins[10..].iter().sum();
    assert!(later > 0.95 && c.bins[SCENES] < 0.5, "never undamaged by itself: {:?}", c.bins);
}

/// A seeded generator for the simulation (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.next() * n as f64) as usize).min(n - 1)
    }
}

/// What a volunteer says of the true bin: clouds widen windows, careless people miss by a few bins, and each errs
/// rather early or rather late.
fn say(dice: &mut Dice, truth: usize, wrong: f64, late: f64) -> Window {
    let mut bin = truth;
    if dice.next() < wrong {
        let step = 1 + dice.below(3);
        bin = if dice.next() < late { (truth + step).min(SCENES) } else { truth.saturating_sub(step) };
    }
    let (mut start, mut end) = (bin, bin);
    while start > 0 && dice.next() < 0.25 {
        start -= 1;
    }
    while end < SCENES && dice.next() < 0.25 {
        end += 1;
    }
    let first_damaged = (end < SCENES).then_some(end as u16);
    let last_intact = start.checked_sub(1).map(|scene| scene as u16);
    Window::new(last_intact, first_damaged).unwrap_or(window(Some(0), None))
}

#[test]
fn fitted_windows_beat_a_plain_median_and_keep_their_promise() {
    let mut dice = Dice(7);
    let (tiles, volunteers) = (1500, 60);
    let people: Vec<(f64, f64)> = (0..volunteers).map(|_| (0.05 + 0.6 * dice.next(), dice.next())).collect();
    let truth: Vec<usize> =
        (0..tiles).map(|_| if dice.next() < 0.4 { SCENES } else { 1 + dice.below(SCENES - 1) }).collect();
    let mut labels = Vec::new();
    for (tile, &bin) in truth.iter().enumerate() {
        for _ in 0..5 {
            let volunteer = dice.below(volunteers);
            let (wrong, late) = people[volunteer];
            let window = say(&mut dice, bin, wrong, late);
            labels.push(WindowLabel { tile: tile as u32, volunteer: volunteer as u32, window });
        }
    }
    let (model, skills) = fit(SCENES, &labels, tiles, volunteers);
    let (mut right, mut plain, mut covered) = (0, 0, 0);
    // Stated mass and coverage, of all windows and of those that state less than 95 %.
    let (mut stated, mut narrow) = (0.0, (0.0, 0.0, 0.0));
    for (own, &bin) in labels.chunks(5).zip(&truth) {
        let votes: Vec<_> = own.iter().map(|l| (l.window, Some(skills[l.volunteer as usize]))).collect();
        let c = consensus(&model, &votes);
        let at = |interval: Interval| interval.first_damaged.map_or(SCENES, usize::from);
        right += usize::from(at(c.median.unwrap()) == bin);
        let credible = c.credible.unwrap();
        let start = credible.last_intact.map_or(0, |scene| usize::from(scene) + 1);
        let is_covered = (start..=at(credible)).contains(&bin);
        covered += usize::from(is_covered);
        stated += credible.probability;
        if credible.probability < 0.95 {
            let (mass, hits, count) = narrow;
            narrow = (mass + credible.probability, hits + f64::from(u8::from(is_covered)), count + 1.0);
        }
        let mut middles: Vec<usize> = own.iter().map(|l| l.window.bins(SCENES)).map(|(a, b)| (a + b) / 2).collect();
        middles.sort_unstable();
        plain += usize::from(middles[2] == bin);
    }
    let share = |count: usize| count as f64 / tiles as f64;
    let (mass, hits, count) = narrow;
    assert!(right > plain && share(right) > 0.75, "{right} against {plain}");
    // A window of whole bins holds at least 90 %, mostly more; it must cover what it states.
    assert!((share(covered) - stated / tiles as f64).abs() < 0.015, "{} {}", share(covered), stated / tiles as f64);
    assert!((hits - mass).abs() / count < 0.05, "{narrow:?}");
}

proptest! {
    #[test]
    fn any_windows_give_probabilities_in_any_order(
        pairs in proptest::collection::vec((proptest::option::of(0u16..20), proptest::option::of(0u16..20)), 0..8),
        scenes in 1usize..18,
    ) {
        let mut votes: Vec<_> = pairs.into_iter().filter_map(|(a, b)| Window::new(a, b)).map(|w| (w, None)).collect();
        let model = WindowModel::zero(scenes);
        let first = consensus(&model, &votes);
        votes.reverse();
        prop_assert_eq!(&first, &consensus(&model, &votes));
        prop_assert!((first.bins.iter().sum::<f64>() - 1.0).abs() < 1e-9 && first.bins.iter().all(|p| p.is_finite()));
    }
}
