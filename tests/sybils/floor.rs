//! The floor: what random hand-out cannot prevent, computed.

/// The chance that the first `first` people of a random order are all sybils, of `sybils` among `everybody`:
/// `C(sybils, first) / C(everybody, first)`, as a product, so that nothing overflows. Nobody labels a tile twice.
pub fn all_sybils(sybils: u32, everybody: u32, first: u32) -> f64 {
    (0..first).map(|k| f64::from(sybils.saturating_sub(k)) / f64::from(everybody - k)).product()
}

/// The chance that the first `first` people all give the wrong answer that the sybils want, where an honest person gives
/// it by mistake with chance `mistake`: the sum over the number of sybils among them (hypergeometric).
pub fn all_wrong(sybils: u32, everybody: u32, first: u32, mistake: f64) -> f64 {
    let honest = everybody - sybils;
    let all = choose(everybody, first);
    let of = |k: u32| choose(sybils, k) * choose(honest, first - k) / all * mistake.powi((first - k) as i32);
    (0..=first).map(of).sum()
}

fn choose(n: u32, k: u32) -> f64 {
    if k > n { 0.0 } else { (0..k).map(|i| f64::from(n - i) / f64::from(i + 1)).product() }
}

#[test]
fn the_floor_is_hypergeometric() {
    // 15 · 14 · 13 / (75 · 74 · 73) and 15 · 14 / (75 · 74).
    assert!((all_sybils(15, 75, 3) - 2_730.0 / 405_150.0).abs() < 1e-12);
    assert!((all_sybils(15, 75, 2) - 210.0 / 5_550.0).abs() < 1e-12);
    assert_eq!((all_sybils(2, 75, 3), all_sybils(0, 10, 1)), (0.0, 0.0));
    // Without mistakes both agree; where everybody errs it is certain; without sybils it is the mistakes alone.
    assert!((all_wrong(15, 75, 3, 0.0) - all_sybils(15, 75, 3)).abs() < 1e-12);
    assert!((all_wrong(15, 75, 3, 1.0) - 1.0).abs() < 1e-12);
    assert!((all_wrong(0, 75, 3, 0.1) - 0.001).abs() < 1e-12);
}

#[test]
fn the_floor_is_what_drawing_people_gives() {
    use rand::SeedableRng;
    use rand::seq::SliceRandom;
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let mut people: Vec<u32> = (0..75).collect();
    let draws = 200_000;
    let hits = (0..draws).filter(|_| people.partial_shuffle(&mut rng, 3).0.iter().all(|&one| one < 15)).count();
    assert!((hits as f64 / f64::from(draws) - all_sybils(15, 75, 3)).abs() < 6e-4);
}
