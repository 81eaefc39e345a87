"""The words that the Hub knows in a card's YAML, as it documents them: others it shows as nothing, or refuses."""

from __future__ import annotations

import re

LICENCES = frozenset(
    """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
    bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc
    cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0
    cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0
    cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1
    eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c
    ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib
    pddl lgpl-lr deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2
    llama3.3 llama4 grok2-community gemma unknown other
    """.split()
)
TASKS = frozenset(
    """
    text-classification token-classification table-question-answering question-answering
    zero-shot-classification translation summarization feature-extraction text-generation fill-mask
    sentence-similarity text-ranking image-classification image-to-text visual-question-answering
    document-question-answering multiple-choice tabular-classification other
    """.split()
)
CREATORS = frozenset("crowdsourced expert-generated found machine-generated no-annotation other".split())
SIZES = (
    *("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B", "10B<n<100B"),
    *("100B<n<1T", "n>1T"),
)
# ISO 639-1 whole; of ISO 639-2 and -3 what has no code of two letters and that posts of this kind may be written in.
LANGUAGES = frozenset(
    """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee
    el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is
    it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms
    mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk
    sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi
    yo za zh zu ace arz ast awa bal ban bho bik bcl ceb ckb cmn cnr crh dag diq din fil fon fur gan gsw hak hil
    hsb ilo kab kac kbd kmb kmr lij lld lmo lus mag mai min mni mul nan nap nso nqo pam pap pnb prs rue sat scn
    shn srp szl tig tum tzm umb und war wuu xal yue zgh zxx
    """.split()
)
SCRIPTS = frozenset(
    """
    Arab Armn Beng Bopo Cans Cher Cyrl Deva Ethi Geor Grek Gujr Guru Hang Hani Hans Hant Hebr Hira Jpan Kana
    Khmr Knda Kore Laoo Latn Mlym Mong Mymr Nkoo Orya Sinh Syrc Taml Telu Tfng Thaa Thai Tibt Yiii
    """.split()
)
_TAG = re.compile(r"([a-z]{2,3})(?:-([A-Z][a-z]{3}))?(?:-([A-Z]{2}|[0-9]{3}))?((?:-[0-9a-z]{5,8})*)")


def is_tag(tag: str) -> bool:
    """Tell whether a word is a BCP 47 tag in its usual spelling: language, script, region, variants."""
    match = _TAG.fullmatch(tag)
    return match is not None and match[1] in LANGUAGES and (match[2] is None or match[2] in SCRIPTS)


def strange(front: dict[str, object]) -> list[str]:
    """Return what a card's YAML says that the Hub does not know: licence, languages, tasks, sizes, creators."""
    allowed = {
        "license": LICENCES,
        "language": LANGUAGES,
        "task_categories": TASKS,
        "annotations_creators": CREATORS,
        "size_categories": frozenset(SIZES),
    }
    problems = []
    for name, words in allowed.items():
        value = front.get(name)
        said = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        problems += [f"{name}: {word} is not a word that the Hub knows" for word in said if word not in words]
    tags = front.get("language_bcp47")
    tags = tags if isinstance(tags, list) else []
    return problems + [f"language_bcp47: {tag} is no BCP 47 tag" for tag in tags if not is_tag(str(tag))]
