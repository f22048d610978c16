"""`torch.hub`: files that are there are loaded, nothing is fetched."""

import pytest

import minigrad as torch

URL = "https://example.org/models/net.pth?raw=true"


def test_parameters_that_lie_in_the_folder_are_loaded(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("minigrad.hub._chosen", None)
    assert torch.hub.get_dir() == str(tmp_path / "hub")
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    torch.save({"weight": torch.ones(2)}, tmp_path / "hub" / "checkpoints" / "net.pth")
    assert torch.hub.load_state_dict_from_url(URL, progress=False)["weight"].tolist() == [1.0, 1.0]
    torch.save({"weight": torch.zeros(1)}, tmp_path / "other.pth")
    found = torch.hub.load_state_dict_from_url(URL, tmp_path, map_location="cpu", file_name="other.pth")
    assert found["weight"].tolist() == [0.0]


def test_the_folder_is_pytorchs(monkeypatch):
    monkeypatch.setattr("minigrad.hub._chosen", None)
    monkeypatch.delenv("TORCH_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert torch.hub.get_dir() == "/cache/torch/hub" and torch.hub._get_torch_home() == "/cache/torch"
    torch.hub.set_dir("models")
    assert torch.hub.get_dir() == "models"


def test_what_would_be_fetched_is_refused_with_the_place_where_to_put_it(tmp_path):
    with pytest.raises(NotImplementedError, match=rf"get {URL.replace('?', '.')} yourself, and put it to .*/net\.pth$"):
        torch.hub.load_state_dict_from_url(URL, tmp_path)
    with pytest.raises(NotImplementedError, match=r"minigrad fetches nothing: .* and put it to net\.pth"):
        torch.hub.download_url_to_file(URL, "net.pth")
    with pytest.raises(NotImplementedError, match="import resnet18 from your copy of pytorch/vision, load its state_"):
        torch.hub.load("pytorch/vision", "resnet18", pretrained=True)


def test_names_of_pytorch_that_the_hub_lacks_say_so():
    with pytest.raises(
        AttributeError, match=r"PyTorch has torch\.hub\.list, minigrad does not; nothing is fetched: read"
    ):
        _ = torch.hub.list
    assert not hasattr(torch.hub, "lisd")


@pytest.mark.parametrize("url", [3, None, ["net.pth"]])
def test_what_is_no_url_is_a_type_error(url):
    with pytest.raises(TypeError, match=r"expected str, bytes or os\.PathLike object, not"):
        torch.hub.load_state_dict_from_url(url)


def test_the_digest_in_the_name_of_a_file():
    assert torch.hub.HASH_REGEX.search("resnet18-5c106cde.pth").group(1) == "5c106cde"
    assert torch.hub.HASH_REGEX.search("resnet18.pth") is None
