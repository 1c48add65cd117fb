"""What factories register: data sets of machines, as bodies of statements, each told apart by its number.

Titles are Chinese and English, as they are in practice. One asset in eight is about vibration (振动), so a search for
it among 100,000 assets finds 12,500; there are 8 quantities, 12 machines and 10 places, each as frequent as the next.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from identity.canonical import b64encode

QUANTITIES = (
    ("振动", "vibration"),
    ("温度", "temperature"),
    ("电流", "current"),
    ("压力", "pressure"),
    ("扭矩", "torque"),
    ("转速", "rotational speed"),
    ("能耗", "energy consumption"),
    ("声发射", "acoustic emission"),
)
MACHINES = (
    ("主轴", "spindle"),
    ("轴承", "bearing"),
    ("齿轮箱", "gearbox"),
    ("叶片", "turbine blade"),
    ("循环水泵", "circulation pump"),
    ("数控机床", "CNC machine tool"),
    ("压铸机", "die-casting machine"),
    ("焊接机器人", "welding robot"),
    ("注塑机", "injection moulding machine"),
    ("回转窑", "rotary kiln"),
    ("空压机", "air compressor"),
    ("轧机", "rolling mill"),
)
PLACES = (
    ("沈阳", "Shenyang", "CN-LN"),
    ("青岛", "Qingdao", "CN-SD"),
    ("西安", "Xi'an", "CN-SN"),
    ("无锡", "Wuxi", "CN-JS"),
    ("东莞", "Dongguan", "CN-GD"),
    ("重庆", "Chongqing", "CN-CQ"),
    ("株洲", "Zhuzhou", "CN-HN"),
    ("宁波", "Ningbo", "CN-ZJ"),
    ("包头", "Baotou", "CN-NM"),
    ("长春", "Changchun", "CN-JL"),
)
POLICY = {
    "@type": "Offer",
    "permission": [
        {
            "action": "use",
            "constraint": [{"leftOperand": "purpose", "operator": "eq", "rightOperand": "predictive maintenance"}],
        }
    ],
}
"""What offers permit: use for one purpose."""

MIX = "asset.registered, Chinese and English titles, one in eight about vibration (振动)"


def asset(number: int) -> dict[str, Any]:
    """The body of ``asset.registered``, and of ``asset.revised``: no two numbers have the same content."""
    rest, quantity = divmod(number, len(QUANTITIES))
    rest, machine = divmod(rest, len(MACHINES))
    rest, place = divmod(rest, len(PLACES))
    line = rest % 20 + 1
    what, what_en = QUANTITIES[quantity]
    thing, thing_en = MACHINES[machine]
    where, where_en, code = PLACES[place]
    return {
        "title": f"{where}工厂{line}号线{thing}{what}数据 {thing_en.capitalize()} {what_en}, line {line}",
        "description": f"{what}连续监测。 Continuous monitoring at {where_en}, one file every ten minutes.",
        "keywords": [what, thing, "condition monitoring"],
        "content": {
            "sha256": b64encode(sha256(b"content %d" % number).digest()),
            "size": 52_428_800 + number,
            "mediaType": "application/vnd.apache.parquet",
        },
        "source": {"basis": "produced", "statement": "measured on our own machines"},
        "classification": "important" if number % 10 == 0 else "general",
        "personal": False,
        "spatial": [code],
    }


def offer(asset_id: str, version_id: str, until: int) -> dict[str, Any]:
    """The body of ``offer.opened``: one version, for everybody, until these POSIX seconds."""
    return {
        "assets": [{"asset": asset_id, "version": version_id}],
        "policy": POLICY,
        "price": {"amount": 1_250_000, "currency": "CNY"},
        "validUntil": until,
        "to": "all",
    }


def request(offer_id: str, offered: list[dict[str, Any]], until: int) -> dict[str, Any]:
    """The body of ``agreement.requested`` on an offer, whose state names what is ``offered``."""
    named = [{name: one[name] for name in ("asset", "version", "sha256")} for one in offered]
    terms = {"assets": named, "policy": POLICY, "price": {"amount": 1_250_000, "currency": "CNY"}}
    return {"offer": offer_id, "terms": terms, "validUntil": until}
