"""The ``[markers]`` of ``source.toml``: how a report announces its posts, photo texts, translations and notes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from toolkit.settings import Strict

MarkerKind = Literal["post", "photo_text", "caption", "translation", "original", "note", "narrative"]
Marker = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\n\r]+$")]

# A colon's marker may carry a number, a letter or a remark in parentheses before it: "Post 3 (Chirpyard):".
DEFAULTS: dict[MarkerKind, tuple[str, ...]] = {
    "post": (
        *(
            "Post:",
            "Post text:",
            "Post reads:",
            "The post reads:",
            "Text of the post:",
            "Text of post:",
            "Post content:",
            "[Post]",
            "[Post text]",
        ),
        *(
            "Tweet:",
            "Tweet text:",
            "Tweet reads:",
            "The tweet reads:",
            "[Tweet]",
            "Retweet:",
            "Reply:",
            "Toot:",
            "Thread:",
            "Message:",
            "Status:",
        ),
        *(
            "Message text:",
            "Comment text:",
            "User comment:",
            "帖文：",
            "推文：",
            "Пост:",
            "Сообщение:",
            "المنشور:",
            "Beitrag:",
        ),
    ),
    "photo_text": (
        *("[Photo text]", "[Image text]", "[Picture text]", "[Video text]", "[Text in image]", "[Text in photo]"),
        *("Photo text:", "Image text:", "Picture text:", "Poster text:", "Meme text:", "Video text:", "Banner text:"),
        *("Text in image:", "Text in the image:", "Text on image:", "Text on the image:", "Text in photo:"),
        *("Text in the photo:", "Text on the photo:", "Text on the picture:", "Text in the picture:"),
        *(
            "图片文字：",
            "图中文字：",
            "Bildtext:",
            "Texte de l’image:",
            "Texto de la imagen:",
            "Текст на изображении:",
            "Текст на картинке:",
            "نص الصورة:",
        ),
    ),
    "caption": ("Caption:", "[Caption]", "Image caption:", "Photo caption:", "Picture caption:"),
    "translation": (
        *(
            "Translation:",
            "[Translation]",
            "Translation reads:",
            "English translation:",
            "[English translation]",
            "Translated:",
        ),
        *(
            "Our translation:",
            "Machine translation:",
            "Rough translation:",
            "Translated text:",
            "In translation:",
            "In English:",
        ),
        *("Übersetzung:", "Traduction:", "Traducción:", "Traduzione:", "Tradução:", "Переклад:"),
        *("译文：", "翻译：", "Перевод:", "الترجمة:", "ترجمة:"),
    ),
    "original": (
        *("Original:", "[Original]", "Original text:", "Original post:", "In the original:", "原文：", "Оригинал:"),
        *("النص الأصلي:", "Im Original:", "Texte original:", "Texto original:", "Testo originale:"),
    ),
    "note": (
        *(
            "Translator's note:",
            "Translator’s note:",
            "Translator note:",
            "Translation note:",
            "Note:",
            "[Note]",
            "TN:",
        ),
        *("Editor's note:", "Editor’s note:", "译注：", "Примечание:", "ملاحظة:"),
    ),
    "narrative": ("Narrative:", "Claim:", "Theme:", "Storyline:"),
}


class Markers(Strict):
    """Literal beginnings of lines, by what they announce; they add to the usual ones unless ``defaults`` is false."""

    defaults: bool = Field(default=True, description="whether the usual markers hold as well")
    post: tuple[Marker, ...] = ()
    photo_text: tuple[Marker, ...] = ()
    caption: tuple[Marker, ...] = ()
    translation: tuple[Marker, ...] = ()
    original: tuple[Marker, ...] = ()
    note: tuple[Marker, ...] = ()
    narrative: tuple[Marker, ...] = ()

    def of(self, kind: MarkerKind) -> tuple[str, ...]:
        """Return the markers of one kind: the source's own before the usual ones."""
        own: tuple[str, ...] = getattr(self, kind)
        return own + (DEFAULTS[kind] if self.defaults else ())
