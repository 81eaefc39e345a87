"""Language, script, entities and flags of texts. Every sentence here was written for these tests."""

from __future__ import annotations

import random
from importlib.resources import files

import pyarrow as pa
import pytest

from tests.plugins.required import required
from toolkit.text import letters
from toolkit.text.analysis import analyse
from toolkit.text.detecting import ASKED, _detect, factory_of
from toolkit.text.entities import defang, emoji, find_urls, flags, hashtags, mentions
from toolkit.text.language import language
from toolkit.text.script import chinese_variant, letter_counts, script, simplify, variants

LANGUAGES = {
    "The evening light lies on the water and the dyke walkers wave.": ("en", "Latn"),
    "Das Abendlicht liegt auf dem Wasser und die Fischer flicken ihre Netze.": ("de", "Latn"),
    "Le soir, la lumière se pose sur la mer et les enfants rentrent à la maison.": ("fr", "Latn"),
    "Сегодня вечером рыбаки вернулись домой с полными сетями.": ("ru", "Cyrl"),
    "Бүгін қалада жаңа кітапхана ашылды, балалар қуанып жүр.": ("kk", "Cyrl"),
    "Өнөөдөр хотод шинэ номын сан нээгдэж, хүүхдүүд баярлав.": ("mn", "Cyrl"),
    "Бүгүн шаарда жаңы китепкана ачылып, балдар кубанып жүрөт.": ("ky", "Cyrl"),
    "Сёння ў горадзе адчынілася новая бібліятэка.": ("be", "Cyrl"),
    # Belarusian by і beside ы, Ukrainian, Serbian and Macedonian by letters of their own, Russian by ы, э or ё.
    "Дзеці радаваліся новым кнігам, якія ім прывезлі.": ("be", "Cyrl"),
    "Діти раділи новим книжкам, які їм привезли.": ("uk", "Cyrl"),
    "Деца су срећна због нових књига у библиотеци.": ("sr", "Cyrl"),
    "Децата се среќни поради новите книги во библиотеката.": ("mk", "Cyrl"),
    "Дети радовались новым книгам, которые им привезли.": ("ru", "Cyrl"),
    "Bu gün şəhərdə yeni kitabxana açıldı və uşaqlar sevinir.": ("az", "Latn"),
    "بۈگۈن شەھەردە يېڭى كۇتۇپخانا ئېچىلدى، بالىلار خۇشال.": ("ug", "Arab"),
    "ئادەملەر كىتاب ئوقۇيدۇ": ("ug", "Arab"),
    "امروز در شهر کتابخانه‌ای تازه باز شد و بچه‌ها شادند، پدر هم چای خورد.": ("fa", "Arab"),
    "آج شہر میں نیا کتب خانہ کھلا ہے اور بچے بہت خوش ہیں۔": ("ur", "Arab"),
    "افتتحت اليوم مكتبة جديدة في المدينة وفرح الأطفال بها كثيرا.": ("ar", "Arab"),
    # Arabic writes ئ within words: that alone makes no text Uyghur.
    "قالت رئاسة البلدية إن مسائل الميناء في شئون المدينة ستناقش غدا.": ("ar", "Arab"),
    "ئەم کتێبخانەیە ئەمڕۆ لە شار کرایەوە و منداڵان دڵخۆشن": ("ku", "Arab"),
    "نن په ښار کې نوی کتابتون پرانیستل شو او ماشومان خوښ دي": ("ps", "Arab"),
    "今天城里开了一间新的图书馆，孩子们都很高兴。": ("zh", "Hans"),
    "今天城裡開了一間新的圖書館，孩子們都很高興。": ("zh", "Hant"),
    "今日は町に新しい図書館が開きました。子供たちは喜んでいます。": ("ja", "Jpan"),
    "오늘 시내에 새 도서관이 문을 열었습니다.": ("ko", "Hang"),
    "དེ་རིང་གྲོང་ཁྱེར་དུ་དཔེ་མཛོད་ཁང་གསར་པ་ཞིག་སྒོ་ཕྱེ།": ("bo", "Tibt"),
    "ᠥᠨᠥᠳᠥᠷ ᠬᠣᠲᠠ ᠳᠤ ᠰᠢᠨᠡ ᠨᠣᠮ": ("mn", "Mong"),
    "Σήμερα άνοιξε στην πόλη μια νέα βιβλιοθήκη.": ("el", "Grek"),
    "היום נפתחה בעיר ספרייה חדשה": ("he", "Hebr"),
    "आज शहर में एक नया पुस्तकालय खुला और बच्चे बहुत खुश हैं।": ("hi", "Deva"),
    "आज शहरात एक नवीन ग्रंथालय उघडले आणि मुले खूप आनंदी आहेत.": ("mr", "Deva"),
    "আজ শহরে একটি নতুন গ্রন্থাগার খোলা হয়েছে।": ("bn", "Beng"),
    "আজি চহৰত এটা নতুন পুথিভঁৰাল মুকলি হৈছে।": ("as", "Beng"),
    "இன்று நகரில் ஒரு புதிய நூலகம் திறக்கப்பட்டது.": ("ta", "Taml"),
    "අද නගරයේ නව පුස්තකාලයක් විවෘත විය.": ("si", "Sinh"),
    "ယနေ့ မြို့တွင် စာကြည့်တိုက်အသစ် ဖွင့်သည်။": ("my", "Mymr"),
    "დღეს ქალაქში ახალი ბიბლიოთეკა გაიხსნა.": ("ka", "Geor"),
    "Այսօր քաղաքում բացվեց նոր գրադարան։": ("hy", "Armn"),
    "ዛሬ በከተማው አዲስ ቤተ መጻሕፍት ተከፈተ።": ("am", "Ethi"),
    "ሎሚ ኣብ ከተማ ሓድሽ ቤተ መጻሕፍቲ ተኸፊቱ።": ("ti", "Ethi"),
}


@pytest.mark.parametrize(("text", "expected"), LANGUAGES.items())
def test_language_and_script(text: str, expected: tuple[str, str]) -> None:
    assert (language(text), script(text)) == expected


@pytest.mark.parametrize(
    "text", ["", " \n", "123 456!", "ok", "西藏", "#SaltLamps @someone", "https://example.com/words", "😀😀"]
)
def test_too_little_text_is_undetermined(text: str) -> None:
    assert language(text) == "und"


@pytest.mark.parametrize(("text", "expected"), [("", "Zyyy"), ("123 😀 …", "Zyyy"), ("ok", "Latn"), ("西藏", "Hani")])
def test_script_of_little_text(text: str, expected: str) -> None:
    assert script(text) == expected


def test_tags_names_and_addresses_do_not_decide_the_language() -> None:
    text = "今天潮堤上很安静 #SarnHaven #LampsOfVelmar @sarn_sea_breeze https://sea-breeze.example/evening/light"
    assert language(text) == "zh"


def test_the_larger_part_decides() -> None:
    chinese, english = "今天城里开了一间新的图书馆。", "The evening light lies on the water."
    assert language(f"{chinese * 4} {english}") == "zh"
    assert language(f"{chinese} {english * 4}") == "en"
    assert script(f"{chinese * 4} {english}") == "Hans"
    assert script(f"{chinese} {english * 4}") == "Latn"


def test_labels_do_not_depend_on_order_or_on_what_came_before() -> None:
    texts = list(LANGUAGES) + [f"{text} {number}" for number, text in enumerate(list(LANGUAGES)[:8])]
    expected = {text: (language(text), script(text), tuple(flags(text))) for text in texts}
    for seed in range(4):
        shuffled = random.Random(seed).sample(texts, len(texts))
        assert {text: (language(text), script(text), tuple(flags(text))) for text in shuffled} == expected


def test_analysis_of_a_batch_is_that_of_its_parts_in_any_order() -> None:
    texts = [*LANGUAGES, "#SaltLamps at https://x.example/a", "", "a\u200bb"]
    whole = {name: column.to_pylist() for name, column in analyse(pa.array(texts)).items()}
    order = random.Random(7).sample(range(len(texts)), len(texts))
    shuffled = {name: column.to_pylist() for name, column in analyse(pa.array([texts[i] for i in order])).items()}
    assert shuffled == {name: [values[i] for i in order] for name, values in whole.items()}
    single = [analyse(pa.array([text]))["text_lang"].to_pylist()[0] for text in texts]
    assert single == whole["text_lang"]
    none = analyse(pa.array([], pa.string()))
    assert {name: len(column) for name, column in none.items()} == dict.fromkeys(whole, 0)


def test_only_chinese_is_simplified() -> None:
    found = analyse(pa.array(["鹽燈", "Salt lamp", "今日は新しい図書館", "盐灯"]))["text_simplified"].to_pylist()
    assert found == ["盐灯", None, None, "盐灯"]
    assert simplify("聯邦說我們的鹽燈不乾淨") == "联邦说我们的盐灯不干净"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("盐灯不是罪", "Hans"),
        ("鹽燈不是罪", "Hant"),
        ("人山水日月", "Hani"),
        ("台里后面", "Hani"),
        ("盐灯鹽燈", "mixed"),
        # Five to one is not more than five to one; six is.
        ("盐灯们说这鹽", "mixed"),
        ("盐灯们说这为鹽", "Hans"),
    ],
)
def test_chinese_variants(text: str, expected: str) -> None:
    assert chinese_variant(text) == expected


def test_characters_of_both_ways_of_writing_tell_nothing() -> None:
    table = variants()
    assert not {*"台里后人一"} & table.keys()
    assert table["盐"] == table["灯"] == "simplified"
    assert table["鹽"] == table["燈"] == "traditional"


def test_letters_are_counted_by_script() -> None:
    assert letter_counts("Ab 盐灯 яб 1 かカ") == {"Latn": 2, "Cyrl": 2, "Hani": 2, "Kana": 2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#SarnHaven is calm", ["SarnHaven"]),
        ("They wrote to #U.S.Embassy.", ["U.S.Embassy"]),
        ("#U.S.Embassy, #Dyke; (#Wall)", ["U.S.Embassy", "Dyke", "Wall"]),
        ("＃萨恩港 今天", ["萨恩港"]),
        ("#盐灯# 又亮了", ["盐灯"]),
        ("#萨恩港 #盐灯，好看", ["萨恩港", "盐灯"]),
        ("#رئاسة_المدينة", ["رئاسة_المدينة"]),
        ("#1 #2031 no. #7", []),
        ("#Part3 #3D", ["Part3", "3D"]),
        ("a#b C# & &#39; &#x27;", []),
        ("see https://x.example/page#part and #Wall", ["Wall"]),
        ("请看https://x.example/page/#part", []),
        ("# alone ## #", []),
        # Chinese sets no blank before a tag; a closing sign begins no other.
        ("今天#盐灯#又亮了", ["盐灯"]),
        ("今天#盐灯##萨恩港#，好看", ["盐灯", "萨恩港"]),
        ("C#语言", []),
        ("#盐灯.夜 #Дамба.", ["盐灯.夜", "Дамба"]),
        ("#کتاب\u200cخانه", ["کتاب\u200cخانه"]),
        ("#هاربر123 ＃Тағам_2", ["هاربر123", "Тағам_2"]),
    ],
)
def test_hashtags(text: str, expected: list[str]) -> None:
    assert [tag.value for tag in hashtags(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("thanks @plover_desk!", ["plover_desk"]),
        ("@a, ＠盐灯 and (@b.c).", ["a", "盐灯", "b.c"]),
        ("感谢@盐灯 的灯", ["盐灯"]),
        ("write to lamp@salt.example or l.a-m+p@salt.example", []),
        ("联系lamp@salt.example", []),
        ("@lamp@salt.example greets", ["lamp@salt.example"]),
        ("https://x.example/@lamp", []),
        ("a @ b @@c", []),
    ],
)
def test_mentions(text: str, expected: list[str]) -> None:
    assert [name.value for name in mentions(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(see https://x.example/a.)", ["https://x.example/a"]),
        ("“https://x.example”", ["https://x.example"]),
        ("请看https://x.example/a，谢谢", ["https://x.example/a"]),
        ("HTTP://X.example/A?b=1#c", ["HTTP://X.example/A?b=1#c"]),
        ("hxxps://x[.]example/a", ["hxxps://x[.]example/a"]),
        ("x.example ftp://x.example mailto:a@x.example xhttp://x.example", []),
    ],
)
def test_urls(text: str, expected: list[str]) -> None:
    assert [url.value for url in find_urls(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain 123 #1 © 盐灯", []),
        ("🌊 and 👩\u200d🌾!", ["🌊", "👩\u200d🌾"]),
        ("👍🏽👍", ["👍🏽", "👍"]),
        ("🇰🇿🇹🇼", ["🇰🇿", "🇹🇼"]),
        ("☎\ufe0f 1\ufe0f\u20e3", ["☎\ufe0f", "1\ufe0f\u20e3"]),
    ],
)
def test_emoji(text: str, expected: list[str]) -> None:
    assert emoji(text) == expected
    assert analyse(pa.array([text]))["emoji"].to_pylist() == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The evening light lies on the water and the dyke walkers wave.", ["en"]),
        (f"{'今天城里开了一间新的图书馆。' * 2} The evening light lies on the water.", ["zh", "en"]),
        ("Бүгін қалада жаңа кітапхана ашылды. The evening light lies on the water today.", ["en", "kk"]),
        ("بۈگۈن شەھەردە يېڭى كۇتۇپخانا ئېچىلدى، 今天城里开了一间新的图书馆，孩子们都很高兴。", ["zh", "ug"]),
        # A name or a quoted word is no second language, and neither are tags and addresses.
        ("The evening light lies on the water at 盐灯.", ["en"]),
        ("今天潮堤上很安静 #SarnHaven #LampsOfVelmar @sarn_sea_breeze https://sea-breeze.example/evening", ["zh"]),
        ("ok", ["und"]),
    ],
)
def test_several_languages_are_listed(text: str, expected: list[str]) -> None:
    found = analyse(pa.array([text]))
    assert found["languages"].to_pylist() == [expected]
    assert found["text_lang"].to_pylist() == expected[:1]


def test_a_language_known_from_elsewhere_is_the_main_one() -> None:
    found = analyse(pa.array(["The evening light lies on the water.", "ok"]), ["sv", "no"])
    assert found["text_lang"].to_pylist() == ["sv", "no"]
    assert found["languages"].to_pylist() == [["sv"], ["no"]]


@pytest.mark.parametrize("script", ASKED)
def test_langdetect_rs_answers_as_langdetect_does(script: str) -> None:
    rs = required("langdetect_rs")
    from langdetect.detector_factory import DetectorFactory
    from langdetect_rs._seed import seed_state

    words = [word for text in LANGUAGES for word in text.split() if letters.of(word).get(script)]
    rng = random.Random(4)
    texts = [" ".join(rng.choices(words, k=rng.randint(1, 12))) for _ in range(30)] + [*LANGUAGES, "", "123 …"]
    slow = factory_of(DetectorFactory, script)
    answers = factory_of(rs.DetectorFactory, script)._core.detect_batch(texts, seed_state(0))
    assert [_detect(slow, text) for text in texts] == answers


def test_every_language_of_langdetect_is_asked_about_or_told_by_its_script() -> None:
    named = {path.name for path in files("langdetect").joinpath("profiles").iterdir()}
    asked = [code for codes in ASKED.values() for code in codes.split()]
    assert len(asked) == len(set(asked))
    assert set(asked) <= named
    texts = {"bn": "কাক বাতিঘরে বসে", "el": "το φανάρι", "gu": "દીવો બળે છે", "he": "המנורה דולקת", "ja": "灯りがともる"}
    texts |= {"kn": "ದೀಪ ಉರಿಯುತ್ತದೆ", "ko": "등불이 켜져 있다", "ml": "വിളക്ക് കത്തുന്നു", "pa": "ਦੀਵਾ ਬਲਦਾ ਹੈ"}
    texts |= {"ta": "விளக்கு எரிகிறது", "te": "దీపం వెలుగుతుంది", "th": "ตะเกียงส่องสว่าง", "zh": "盐灯在墙上亮着"}
    assert {code: language(text) for code, text in texts.items()} == {code: code for code in texts}
    assert {code.partition("-")[0] for code in named - set(asked)} == set(texts)


def test_entities_say_where_they_stand() -> None:
    text = "😀 #Wall @lamp https://x.example/a."
    for entity, shown in zip(
        [*hashtags(text), *mentions(text), *find_urls(text)], ["#Wall", "@lamp", "https://x.example/a"], strict=True
    ):
        assert text[entity.start : entity.end] == shown


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.x.example/a.b?c=d.e", "hxxps://www[.]x[.]example/a.b?c=d.e"),
        ("HTTP://x.example", "hxxp://x[.]example"),
        ("hxxps://x[.]example/a", "hxxps://x[.]example/a"),
        ("http://10.0.0.1:80/", "hxxp://10[.]0[.]0[.]1:80/"),
    ],
)
def test_defanged_urls(url: str, expected: str) -> None:
    assert defang(url) == expected
    assert defang(expected) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words, 盐灯, café\n\tand more", []),
        ("a\u202eb", ["bidi_control"]),
        ("a\u200bb", ["zero_width"]),
        ("pay\u200dpal", ["zero_width"]),
        ("نمی\u200cخواهم", []),
        ("👩\u200d🌾", []),
        ("a\x07b", ["control"]),
        ("p\u0430ypal", ["confusable"]),
        ("Привет hello", []),
        # An ending of another script is no disguise; a word all of whose letters look alike is.
        ("iPhoneды сатып алды", []),
        ("\u0420\u0430ypal", ["confusable"]),
        ("go\u03bfgle", ["confusable"]),
        ("\u041c\u043e\u0441кв\u0061", ["confusable"]),
        ("\u2066a\u200b\x00\u0430b", ["bidi_control", "zero_width", "control", "confusable"]),
    ],
)
def test_flags(text: str, expected: list[str]) -> None:
    assert flags(text) == expected


def test_exact_hashes_forget_white_space_and_composition_only() -> None:
    one, other, third = analyse(pa.array(["cafe\u0301  lamp ", "café\nlamp", "Café lamp"]))["exact_hash"].to_pylist()
    assert one == other != third
