"""Keys by which Japanese names and addresses are compared; what is stored and shown is always the original.

No key is made by NFKC over the whole text: it would take ㈱, ㍿ and ① apart into other letters and make different texts
equal. Even NFC replaces compatibility ideographs (U+FA19 becomes U+795E): right for a key, and the reason why no
original may pass through it.
"""

from __future__ import annotations

import re
import sys
import unicodedata

# The first of each group stands for all: old forms (旧字体) and the variants that family registers and certificates
# exchange for one another, never two characters that only sound alike.
_VARIANTS = """
    高髙 崎﨑嵜 辺邊邉 斉齊斎齋亝 沢澤 徳德 浜濱濵 吉𠮷 広廣 国國圀 桜櫻 島嶋嶌 瀬瀨 竜龍 橋𣘺 富冨 峰峯 柳栁桺 角⻆
    土圡 喜㐂 館舘 亜亞 悪惡 囲圍 為爲 栄榮 営營 衛衞 円圓 園薗 塩鹽 奥奧 応應 温溫 穏穩 仮假 画畫 会會 絵繪 懐懷 覚覺
    学學斈 岳嶽 巻卷 勧勸 寛寬 関關 観觀 巌巖 顔顏 気氣 帰歸 亀龜 旧舊 挙擧 峡峽 郷鄕 尭堯 暁曉 区區 駆驅 薫薰 勲勳
    径徑 恵惠 渓溪 経經 継繼 蛍螢 軽輕 鶏鷄 芸藝 県縣 剣劍劔剱釼 検檢 献獻 権權 顕顯 厳嚴 恒恆 黄黃 号號 黒黑 済濟
    桑桒 参參 桟棧 児兒 実實 写寫 釈釋 寿壽 収收 渋澁 従從 粛肅 叙敍 将將 奨奬獎 条條 乗乘 浄淨 静靜 譲讓 昇曻 真眞
    慎愼 尽盡 晋晉 図圖 粋粹 穂穗 随隨 数數 声聲 摂攝 専專 浅淺 践踐 船舩 双雙 壮壯 荘莊 曽曾 蔵藏 総總 聡聰 増增 属屬
    続續 村邨 対對 体體 帯帶 滝瀧 台臺 択擇 単單 団團 弾彈 遅遲 昼晝 庁廳 鎮鎭 鶴靏靍 鉄鐵鐡 転轉 点點 伝傳 当當 灯燈
    稲稻 闘鬭 独獨 読讀 縄繩 弐貳 祢禰 野埜 拝拜 売賣 麦麥 博愽 発發 抜拔 桧檜 秘祕 仏佛 渕淵渊 並竝 変變 弁辨辯瓣
    宝寶寳 豊豐 歩步 枡桝 槙槇 松枩 万萬 満滿 弥彌 訳譯 薬藥 与與 予豫 余餘 誉譽 揺搖 遥遙 様樣 謡謠 瑶瑤 横橫 来來
    頼賴 乱亂 覧覽 凛凜 涼凉 両兩 緑綠 塁壘 励勵 礼禮 霊靈 齢齡 恋戀 労勞 楼樓 録錄 湾灣 煕熙凞 鴎鷗 薮藪 芦蘆 籠篭
    壷壺 莱萊 戸戶 毎每 穣穰 舗舖
"""


def _variants() -> dict[int, str]:
    return {ord(variant): group[0] for group in _VARIANTS.split() for variant in group[1:]}


def _removed() -> dict[int, None]:
    """Spaces of every width, and the selectors that choose a glyph (IVS U+E0100…, SVS U+FE00…)."""
    spaces = (point for point in range(sys.maxunicode + 1) if chr(point).isspace())
    return dict.fromkeys([*spaces, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])


def _widths() -> dict[int, str]:
    """Full-width ASCII to ASCII, half-width katakana to katakana, its sound marks to combining ones for NFC."""
    return {
        point: unicodedata.normalize("NFKC", chr(point)) for point in (*range(0xFF01, 0xFF5F), *range(0xFF61, 0xFFA0))
    }


_TO_VARIANT = _variants()
_TO_PLAIN: dict[int, str | None] = {**_removed(), **_widths()}
_TO_KATAKANA = {point: chr(point + 0x60) for point in (*range(0x3041, 0x3097), 0x309D, 0x309E)}

_TO_ADDRESS = {
    **dict.fromkeys(map(ord, "ー‐‑‒–—―−─﹣"), "-"),
    **dict.fromkeys(map(ord, "ヶがガ"), "ケ"),
}
_DIGITS = {numeral: digit for digit, numeral in enumerate("〇一二三四五六七八九")}
_TENS = {"十": 10, "百": 100, "千": 1000}
_KANJI_NUMBER = re.compile(r"[〇一二三四五六七八九十百千]+(?=丁目|番|号|-|$)")
_UNIT = re.compile(r"(?<=[0-9])(?:丁目|番地|番|号室|号|の(?=[0-9]))+")
_IDLE_HYPHEN = re.compile(r"-(?![0-9])")


def fold_name(text: str) -> str:
    """The key of a name: 髙橋　太郎, 高橋太郎 and 髙󠄀橋 太郎 (with a selector) have the same."""
    return _plain(text).translate(_TO_VARIANT)


def fold_kana(text: str) -> str:
    """The key of a reading: full-width katakana without spaces; small letters and ー stay."""
    return unicodedata.normalize("NFC", _plain(text).translate(_TO_KATAKANA))


def fold_address(text: str) -> str:
    """The key of an address: 架空市中央一丁目2番地3号 and 架空市中央１－２－３ have the same."""
    folded = fold_name(text)
    # Each round only removes characters or replaces kanji numerals by digits, so it ends; most addresses need two.
    while (shorter := _address_round(folded)) != folded:
        folded = shorter
    return folded


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text.translate(_TO_PLAIN))


def _address_round(text: str) -> str:
    text = _KANJI_NUMBER.sub(_number, text.translate(_TO_ADDRESS))
    # Letters that come together may combine.
    return unicodedata.normalize("NFC", _IDLE_HYPHEN.sub("", _UNIT.sub("-", text)))


def _number(match: re.Match[str]) -> str:
    """二十三 and 二三 are 23, 百二 is 102."""
    numerals = match[0]
    if not any(numeral in _TENS for numeral in numerals):
        return "".join(str(_DIGITS[numeral]) for numeral in numerals)
    total, digit = 0, 0
    for numeral in numerals:
        if numeral in _DIGITS:
            digit = digit * 10 + _DIGITS[numeral]
        else:
            total, digit = total + (digit or 1) * _TENS[numeral], 0
    return str(total + digit)
