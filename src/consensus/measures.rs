//! How far a crowd agrees, and how sure a share of successes is.

/// Agreement of a crowd over all tiles with at least two labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Krippendorff's alpha with nominal distances (Content Analysis, 2004); `None` where nothing can be paired.
    pub alpha_nominal: Option<f64>,
    /// The same with ordinal distances.
    pub alpha_ordinal: Option<f64>,
    /// Fleiss' kappa (1971), tiles with any number of labels averaged equally.
    pub fleiss_kappa: Option<f64>,
    /// Share of agreeing pairs, mean over tiles.
    pub pairwise: Option<f64>,
}

/// Agreement from the counts of each answer per tile, `[tile][answer]`.
pub fn agreement(counts: &[u32], answers: usize) -> Agreement {
    agreement_of(counts.chunks(answers.max(1)).map(|row| (row, 1)), answers)
}

/// The same from the counts of each answer and how many tiles have these very counts.
pub fn agreement_of<'a>(groups: impl Iterator<Item = (&'a [u32], u64)>, answers: usize) -> Agreement {
    let mut coincidences = vec![0.0; answers * answers];
    let (mut pairwise, mut tiles) = (0.0, 0.0);
    let mut used = vec![0.0; answers];
    for (row, times) in groups {
        let times = times as f64;
        let n: f64 = row.iter().map(|&count| f64::from(count)).sum();
        if n < 2.0 {
            continue;
        }
        let squares: f64 = row.iter().map(|&count| f64::from(count).powi(2)).sum();
        pairwise += times * (squares - n) / (n * (n - 1.0));
        tiles += times;
        for a in (0..answers).filter(|&a| row[a] > 0) {
            used[a] += times * f64::from(row[a]);
            for b in 0..answers {
                let pairs = f64::from(row[a]) * (f64::from(row[b]) - f64::from(u8::from(a == b)));
                coincidences[a * answers + b] += times * pairs / (n - 1.0);
            }
        }
    }
    let nominal = |a: usize, b: usize| f64::from(u8::from(a != b));
    let ordinal = |a: usize, b: usize| {
        let (low, high) = (a.min(b), a.max(b));
        let between: f64 = used[low..=high].iter().sum();
        if low == high { 0.0 } else { (between - (used[low] + used[high]) / 2.0).powi(2) }
    };
    let pairwise = (tiles > 0.0).then(|| pairwise / tiles);
    Agreement {
        alpha_nominal: alpha(&coincidences, &used, nominal),
        alpha_ordinal: alpha(&coincidences, &used, ordinal),
        fleiss_kappa: pairwise.and_then(|observed| kappa(observed, &used)),
        pairwise,
    }
}

/// 1 - D_o / D_e over the coincidences.
fn alpha(coincidences: &[f64], used: &[f64], distance: impl Fn(usize, usize) -> f64) -> Option<f64> {
    let n: f64 = used.iter().sum();
    let (mut observed, mut expected) = (0.0, 0.0);
    for a in 0..used.len() {
        for b in 0..used.len() {
            let d = distance(a, b);
            observed += d * coincidences[a * used.len() + b];
            expected += d * used[a] * used[b];
        }
    }
    (n > 1.0 && expected > 0.0).then(|| 1.0 - (n - 1.0) * observed / expected)
}

fn kappa(observed: f64, used: &[f64]) -> Option<f64> {
    let n: f64 = used.iter().sum();
    let chance: f64 = used.iter().map(|count| (count / n).powi(2)).sum();
    (chance < 1.0).then(|| (observed - chance) / (1.0 - chance))
}

/// The smallest set of classes that holds this mass, likeliest first, and for ordered classes the 5 % and 95 % points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credible {
    /// Classes of the set.
    pub set: Vec<u8>,
    /// First and last class between the 5 % and the 95 % point.
    pub interval: (u8, u8),
}

/// The credible set of a distribution over classes.
pub fn credible(probabilities: &[f64], mass: f64) -> Credible {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    let mut held = 0.0;
    let mut set = Vec::new();
    for class in order {
        if held >= mass - 1e-12 {
            break;
        }
        held += probabilities[class];
        set.push(class as u8);
    }
    let point = |share: f64| {
        let mut sum = 0.0;
        let at = probabilities.iter().position(|p| {
            sum += p;
            sum >= share - 1e-12
        });
        at.unwrap_or(probabilities.len().saturating_sub(1)) as u8
    };
    Credible { set, interval: (point(0.05), point(0.95)) }
}

/// Wilson's 95 % interval of a share of `hits` in `n` (JASA 22, 1927); (0, 1) without trials.
pub fn wilson(hits: f64, n: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let z2 = 1.96f64.powi(2);
    let p = hits / n;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = 1.96 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// The central 95 % of a figure over 200 redraws of `count` tiles with replacement, from a fixed seed.
pub fn bootstrap(count: usize, figure: impl Fn(&[usize]) -> f64) -> (f64, f64) {
    if count == 0 {
        return (0.0, 0.0);
    }
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut draw = || {
        // xorshift64* (Vigna, 2016).
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        ((u128::from(state.wrapping_mul(0x2545_F491_4F6C_DD1D)) * count as u128) >> 64) as usize
    };
    let mut figures: Vec<f64> = (0..200).map(|_| figure(&(0..count).map(|_| draw()).collect::<Vec<_>>())).collect();
    figures.sort_unstable_by(f64::total_cmp);
    (figures[5], figures[194])
}

/// The central 95 % of Beta(hits + 1/2, misses + 1/2), Jeffreys' interval of an accuracy.
pub fn beta_interval(hits: f64, misses: f64) -> (f64, f64) {
    let (a, b) = (hits.max(0.0) + 0.5, misses.max(0.0) + 0.5);
    (beta_quantile(a, b, 0.025), beta_quantile(a, b, 0.975))
}

fn beta_quantile(a: f64, b: f64, share: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if beta_share(a, b, middle) < share { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// Regularised incomplete beta function by Lentz's continued fraction (Abramowitz and Stegun 26.5.8).
fn beta_share(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_share(b, a, 1.0 - x);
    }
    let front = (a * x.ln() + b * (1.0 - x).ln() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b)).exp() / a;
    let tiny = |v: f64| if v.abs() < 1e-30 { 1e-30 } else { v };
    let (mut c, mut d) = (1.0, 1.0 / tiny(1.0 - (a + b) * x / (a + 1.0)));
    let mut f = d;
    for i in 1..300 {
        let m = f64::from(i);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for term in [even, odd] {
            d = 1.0 / tiny(1.0 + term * d);
            c = tiny(1.0 + term / c);
            step = c * d;
            f *= step;
        }
        if (step - 1.0).abs() < 1e-12 {
            break;
        }
    }
    front * f
}

/// ln of the gamma function for positive numbers (Lanczos, 1964, g = 5).
fn ln_gamma(x: f64) -> f64 {
    const C: [f64; 6] = [
        76.180_091_729_471_46,
        -86.505_320_329_416_77,
        24.014_098_240_830_91,
        -1.231_739_572_450_155,
        1.208_650_973_866_179e-3,
        -5.395_239_384_953e-6,
    ];
    let series = C.iter().enumerate().fold(1.000_000_000_190_015, |sum, (i, c)| sum + c / (x + 1.0 + i as f64));
    let t = x + 5.5;
    (x + 0.5) * t.ln() - t + (2.506_628_274_631_000_5 * series / x).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_of_krippendorffs_own_example() {
        // Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), example C: 12 units, values 1 to 5.
        let units = ["111", "2223", "3333", "3333", "2222", "1234", "4444", "1112", "2222", "555", "11", "3"];
        let mut counts = vec![0u32; 12 * 5];
        for (unit, values) in units.iter().enumerate() {
            values.bytes().for_each(|v| counts[unit * 5 + usize::from(v - b'1')] += 1);
        }
        let a = agreement(&counts, 5);
        assert!((a.alpha_nominal.unwrap() - 0.743).abs() < 5e-4, "{a:?}");
        assert!((a.alpha_ordinal.unwrap() - 0.815).abs() < 5e-4, "{a:?}");
    }

    #[test]
    fn groups_of_equal_tiles_agree_as_the_tiles_do() {
        let (tiles, groups) = ([3, 0, 3, 0, 1, 2, 2, 2], [([3, 0], 2), ([1, 2], 1), ([2, 2], 1)]);
        let grouped = agreement_of(groups.iter().map(|(row, times)| (row.as_slice(), *times)), 2);
        let near = |a: Option<f64>, b: Option<f64>| (a.unwrap() - b.unwrap()).abs() < 1e-12;
        let single = agreement(&tiles, 2);
        assert!(near(grouped.alpha_nominal, single.alpha_nominal) && near(grouped.pairwise, single.pairwise));
    }

    #[test]
    fn agreement_of_nothing_is_unknown() {
        let none = Agreement { alpha_nominal: None, alpha_ordinal: None, fleiss_kappa: None, pairwise: None };
        assert_eq!(agreement(&[], 3), none);
        assert_eq!(agreement(&[1, 0, 0], 3), none);
        assert_eq!(agreement(&[3, 0, 2, 0], 2).alpha_nominal, None);
    }

    #[test]
    fn credible_sets_hold_their_mass() {
        let c = credible(&[0.05, 0.6, 0.3, 0.05], 0.9);
        assert_eq!((c.set, c.interval), (vec![1, 2], (0, 2)));
    }

    #[test]
    fn intervals_agree_with_tables() {
        let near = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() < 5e-4 && (a.1 - b.1).abs() < 5e-4;
        assert!(near(wilson(8.0, 10.0), (0.4902, 0.9433)), "{:?}", wilson(8.0, 10.0));
        // Brown, Cai and DasGupta (2001), table 5: Jeffreys, n = 10, x = 2.
        assert!((beta_interval(2.0, 8.0).0 - 0.044).abs() < 1e-3 && (beta_interval(2.0, 8.0).1 - 0.503).abs() < 1e-3);
        assert_eq!(wilson(0.0, 0.0), (0.0, 1.0));
    }
}
