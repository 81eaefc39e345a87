"""Load a release, join judgements to posts, score a guess against soft labels: python examples/load_release.py RELEASE."""

import sys

from datasets import load_dataset

posts = load_dataset(sys.argv[1], "posts", split="train")
judgements = load_dataset(sys.argv[1], "judgements", split="train")
names = posts.features["narrative"].feature.names
votes = judgements.to_pandas().merge(posts.to_pandas()[["post_id", "text"]], left_on="item_id", right_on="post_id")
soft = [{names[d["label"]]: d["yes"] / d["of"] for d in row["narrative_dist"]} for row in posts]
share = {name: sum(s.get(name, 0) for s in soft) / len(soft) for name in names}
error = sum(abs(s.get(name, 0) - share[name]) for s in soft for name in names) / (len(soft) * len(names))
print(f"{len(posts)} posts, {len(votes)} judgements of them; guessing each label's share: mean error {error:.4f}")
