//! The report of an import in words and tables (Markdown).

use std::fmt::{self, Write};

use super::comparison::{At, Comparison, Method};
use super::report::{Person, Report};

/// The whole report.
pub fn markdown(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = head(report, &mut text)
        .and_then(|()| answers(report, &mut text))
        .and_then(|()| people(report, &mut text))
        .and_then(|()| tiles(report, &mut text))
        .and_then(|()| called(report, &mut text))
        .and_then(|()| report.reference.as_ref().map_or(Ok(()), |reference| compared(reference, &mut text)));
    text
}

/// Text of people, so that it cannot break a table or begin a tag.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '|' | '<' | '>' | '`' | '[' | ']' | '*' | '_' | '\\' => format!("\\{c}"),
            c if c.is_control() => " ".into(),
            c => c.into(),
        })
        .collect()
}

fn head(report: &Report, out: &mut String) -> fmt::Result {
    writeln!(out, "# {}\n", plain(&report.title))?;
    let project = report.project.as_ref().map_or(String::new(), |id| format!(" Project there: {}.", plain(id)));
    let source = if report.source == "mapswipe" { "MapSwipe" } else { "a table of answers" };
    writeln!(out, "Campaign `{}`, brought in from {source}.{project}", report.campaign)?;
    let (number, method, version) = &report.model;
    writeln!(out, "Weighed by {}, method {method} (version {version}), model {number}.", report.made_by)?;
    match &report.licence {
        Some(licence) => writeln!(out, "Licence of the map: {}.\n", plain(licence))?,
        None => writeln!(out, "No licence was named: what may be done with the map is not known.\n")?,
    }
    writeln!(out, "| file | holds | rows | SHA-256 |\n|---|---|---|---|")?;
    for file in &report.files {
        writeln!(out, "| {} | {} | {} | `{}` |", plain(&file.name), file.holds, file.rows, file.sha256)?;
    }
    let meaning: Vec<String> = report.meaning.iter().map(|(word, key)| format!("{} = `{key}`", plain(word))).collect();
    writeln!(out, "\nMeaning of the answers: {}.", meaning.join(", "))
}

fn answers(report: &Report, out: &mut String) -> fmt::Result {
    let labels = &report.labels;
    writeln!(out, "\n## Answers\n")?;
    writeln!(
        out,
        "{} answers by {} volunteers for {} tiles; {} count.",
        labels.entries, report.volunteers.count, report.tiles.labelled, labels.counted
    )?;
    if labels.repeated_rows > 0 {
        writeln!(out, "{} rows repeated what others said and were left out.", labels.repeated_rows)?;
    }
    match &labels.span {
        Some((first, last)) => writeln!(out, "Given from {first} to {last}.")?,
        None => writeln!(out, "The files do not say when they were given.")?,
    }
    writeln!(out, "\n| answer | counted | share |\n|---|---|---|")?;
    for (key, count) in &labels.by_answer {
        writeln!(out, "| `{key}` | {count} | {:.1} % |", 100.0 * *count as f64 / labels.counted.max(1) as f64)?;
    }
    let figure = |value: Option<f64>| value.map_or("unknown".into(), |value| format!("{value:.4}"));
    let agreement = &report.agreement;
    writeln!(out, "\n| agreement | |\n|---|---|")?;
    writeln!(out, "| Krippendorff's alpha, nominal | {} |", figure(agreement.alpha_nominal))?;
    writeln!(out, "| Krippendorff's alpha, ordinal | {} |", figure(agreement.alpha_ordinal))?;
    writeln!(out, "| Fleiss' kappa | {} |", figure(agreement.fleiss_kappa))?;
    writeln!(out, "| pairs that agree, mean over tiles | {} |", figure(agreement.pairwise))?;
    writeln!(out, "\nUseful crowds have an alpha of .1 to .5. Answers like `bad_imagery` count as answers here.")
}

fn people(report: &Report, out: &mut String) -> fmt::Result {
    let people = &report.volunteers;
    let [least, median, most] = people.labels;
    writeln!(out, "\n## Volunteers\n")?;
    writeln!(
        out,
        "{} volunteers gave {least} to {most} answers each, half of them {median} or fewer; the ten busiest gave {:.0} %.",
        people.count,
        100.0 * people.ten_busiest
    )?;
    writeln!(out, "Weight and accuracy are estimated by the model from agreement alone.\n")?;
    writeln!(out, "| | 5 % | 25 % | 50 % | 75 % | 95 % |\n|---|---|---|---|---|---|")?;
    for (name, values) in [("weight", people.weights), ("accuracy", people.accuracy)] {
        writeln!(out, "| {name} | {} |", values.map(|value| format!("{value:.3}")).join(" | "))?;
    }
    for (title, list) in [("Most trusted", &people.highest), ("Least trusted", &people.lowest)] {
        writeln!(out, "\n{title} (under the campaign's pseudonyms):\n")?;
        writeln!(out, "| volunteer | weight | accuracy | answers |\n|---|---|---|---|")?;
        for Person { volunteer, weight, accuracy, labels } in list {
            writeln!(out, "| {volunteer} | {weight:.3} | {accuracy:.3} | {labels} |")?;
        }
    }
    writeln!(out, "\nSet aside, so that their answers weigh nothing: {}.", people.set_aside.len())?;
    people.set_aside.iter().try_for_each(|(volunteer, reason)| writeln!(out, "- {volunteer}: {reason}"))
}

fn tiles(report: &Report, out: &mut String) -> fmt::Result {
    let tiles = &report.tiles;
    let (least, mean, most) = tiles.labels;
    writeln!(out, "\n## Tiles\n")?;
    writeln!(
        out,
        "{} tiles, {} with answers: {least} to {most} each, {mean:.2} on average.",
        tiles.count, tiles.labelled
    )?;
    if let Some(published) = report.published {
        writeln!(
            out,
            "The counts published with the answers agree with ours on {} of {} tiles.",
            published.equal, published.tiles
        )?;
    }
    let list = |pairs: &[(String, u64)]| {
        pairs.iter().map(|(key, count)| format!("{count} `{key}`")).collect::<Vec<_>>().join(", ")
    };
    writeln!(out, "\n- states: {}", list(&tiles.by_state))?;
    writeln!(out, "- likeliest class: {}", list(&tiles.by_class))?;
    writeln!(out, "- damaged tiles to be expected, the sum of all probabilities: {:.1}", tiles.expected_damaged)
}

fn called(report: &Report, out: &mut String) -> fmt::Result {
    writeln!(out, "\n## Tiles called damaged\n")?;
    writeln!(out, "By the share of a tile's answers that name damage, and by our probability of damage.\n")?;
    writeln!(out, "| at least | by share | by probability |\n|---|---|---|")?;
    report.called.iter().try_for_each(|(at, share, ours)| writeln!(out, "| {at} | {share} | {ours} |"))
}

fn compared(reference: &Comparison, out: &mut String) -> fmt::Result {
    writeln!(out, "\n## Beside the reference\n")?;
    writeln!(
        out,
        "`{}`, column `{}`: {} tiles compared, {} of them damaged; {} left out for want of an answer.",
        reference.file, reference.column, reference.tiles, reference.damaged, reference.left_out
    )?;
    method("By the share of a tile's answers that name damage", &reference.share, out)?;
    method("By our probability of damage", &reference.probability, out)?;
    writeln!(
        out,
        "\nThe last line of each table is the threshold that is best on these very tiles: the most that could be had, \
         and not what to expect elsewhere."
    )
}

fn method(title: &str, method: &Method, out: &mut String) -> fmt::Result {
    writeln!(out, "\n{title}:\n")?;
    writeln!(
        out,
        "| at least | tp | fp | fn | tn | precision | recall | F1 | kappa |\n|---|---|---|---|---|---|---|---|---|"
    )?;
    method.at.iter().try_for_each(|at| row(&at.threshold.to_string(), at, None, out))?;
    row(&format!("best: {:.3}", method.best.threshold), &method.best, method.best_f1_interval, out)
}

fn row(name: &str, at: &At, interval: Option<(f64, f64)>, out: &mut String) -> fmt::Result {
    let interval = interval.map_or(String::new(), |(low, high)| format!(" ({low:.3} to {high:.3})"));
    writeln!(
        out,
        "| {name} | {} | {} | {} | {} | {:.3} | {:.3} | {:.3}{interval} | {:.3} |",
        at.tp, at.fp, at.missed, at.tn, at.precision, at.recall, at.f1, at.kappa
    )
}
