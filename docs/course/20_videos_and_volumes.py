# %% [markdown]
# # 20. Videos and volumes
#
# An image has rows and columns. A video also has time: its frames follow one another. A scan of a body has depth: its
# slices lie behind one another. What does a convolution do with a third axis? Only one thing is new: the window slides
# along it, too. You need chapters 3, 4 and 9.

# %%
import minigrad as torch
import minigrad.nn.functional as F
from minigrad import course, nn

torch.manual_seed(0)

# %% [markdown]
# ## A window in three directions
#
# A volume X (D, H, W) is D slices of H x W numbers, and a kernel K (d, h, w) is a small box. At each place (t, i, j) the
# box is multiplied by the numbers under it, and the products are added, as in chapter 1. There is one loop more.


# %%
def corr3d(X, K):
    d, h, w = K.shape
    Y = torch.zeros(X.shape[0] - d + 1, X.shape[1] - h + 1, X.shape[2] - w + 1)
    for t in range(Y.shape[0]):
        for i in range(Y.shape[1]):
            for j in range(Y.shape[2]):
                Y[t, i, j] = (X[t : t + d, i : i + h, j : j + w] * K).sum()
    return Y


X, K = torch.randn(4, 5, 6), torch.randn(2, 3, 3)
print(tuple(X.shape), "and", tuple(K.shape), "->", tuple(corr3d(X, K).shape))  # each axis: n - k + 1
assert torch.allclose(corr3d(X, K), F.conv3d(X[None, None], K[None, None])[0, 0], atol=1e-5)

# %% [markdown]
# The layer `nn.Conv3d` takes its input with the axes (videos, channels, time, rows, columns). Padding, stride and kernel
# are one number for all three axes, or three numbers. `nn.MaxPool3d` takes the largest number of each box. In a video,
# time and space differ: pooling often halves rows and columns alone. A file often holds a video as (time, rows, columns,
# channels): `permute` gives the axes in another order, so `x.permute(1, 0)` is `x.t()`.

# %%
video = torch.randn(1, 3, 8, 16, 16)  # 8 frames of three colours
layer = nn.Conv3d(3, 4, kernel_size=(2, 3, 3), padding=(0, 1, 1))
print("weight:", tuple(layer.weight.shape), "(channels out, channels in, time, rows, columns)")
print("after the layer:         ", tuple(layer(video).shape))
print("after MaxPool3d(2):      ", tuple(nn.MaxPool3d(2)(layer(video)).shape))
print("after MaxPool3d((1,2,2)):", tuple(nn.MaxPool3d((1, 2, 2))(layer(video)).shape))
assert layer(video).shape == (1, 4, 7, 16, 16) and nn.MaxPool3d((1, 2, 2))(layer(video)).shape == (1, 4, 7, 8, 8)

# %% [markdown]
# ## Motion is an edge in time
#
# Chapter 2 found edges by the difference of neighbouring pixels. The difference of a pixel and the same pixel one frame
# later is 0 where nothing changes. So the kernel [-1, 1] along time erases all that stands still.

# %%
scene = torch.rand(1, 6).repeat(4, 3, 1)  # four frames (4, 3, 6) that are all alike
for t in range(4):
    scene[t, 1, t + 1] = 2.0  # and a bright dot, which goes to the right
change = F.conv3d(scene[None, None], torch.tensor([-1.0, 1.0]).reshape(1, 1, 2, 1, 1))[0, 0]
print("places that change, frame by frame:", (change != 0).sum((1, 2)).tolist())
assert (change != 0).sum((1, 2)).tolist() == [2, 2, 2]  # where the dot was, and where it is
assert (change[:, [0, 2]] == 0).all()  # the rows without the dot

# %% [markdown]
# ## Which way does it move?
#
# A dot moves up, down, left or right. The net below is a layer, ReLU, the mean of each map, and a score for each
# direction. If the kernels see one frame at a time, each frame shows a dot somewhere, in every direction alike: the net
# can only guess. Kernels that reach over two frames see where the dot came from. ([The same as a program with
# options](../../examples/which_way_it_moves.py).)

# %%
STEPS = torch.tensor([[-1, 0], [1, 0], [0, -1], [0, 1]])  # up, down, left, right


def make_videos(count, frames=5, size=6):
    videos, labels = torch.zeros(count, 1, frames, size, size), torch.randint(0, 4, (count,))
    starts = torch.randint(0, size, (count, 2))  # the row and the column of each dot
    for t in range(frames):
        places = (starts + t * STEPS[labels]) % size  # a dot that leaves the image comes back at the other side
        rows, columns = places.unbind(1)  # the two columns of `places`
        videos[torch.arange(count), 0, t, rows, columns] = 1.0  # one pixel in each video
    return videos, labels


def share_of_right_answers(depth, steps=100):
    torch.manual_seed(0)
    net = nn.Sequential(
        # (N, 1, 5, 6, 6) -> (N, 8, 6 - depth, 6, 6); the padding is circular, as the dot goes round
        nn.Conv3d(1, 8, (depth, 3, 3), padding=(0, 1, 1), padding_mode="circular"),
        nn.ReLU(),
        nn.AdaptiveAvgPool3d(1),  # the mean of each map: (N, 8, 1, 1, 1)
        nn.Flatten(),
        nn.Linear(8, 4),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=0.03)
    for _ in range(steps):
        videos, labels = make_videos(64)
        optimizer.zero_grad()
        F.cross_entropy(net(videos), labels).backward()
        optimizer.step()
    videos, labels = make_videos(200)
    with torch.no_grad():
        return (net(videos).argmax(1) == labels).float().mean().item()


one, two = share_of_right_answers(1), share_of_right_answers(2)
print(f"kernels of one frame: {one:.0%} right; of two frames: {two:.0%} right")
assert one < 0.5 and two > 0.9

# %% [markdown]
# ## What it costs
#
# A kernel of 3 x 3 x 3 has 27 numbers for each pair of channels, three times those of 3 x 3, and it is used at every
# place of a volume. So layers for videos are expensive. A cheaper pair often takes its place: first a kernel of (1, 3, 3)
# in each frame, then one of (3, 1, 1) along time, together 9 + 3 = 12 numbers (Tran et al., 2018: "2 plus 1"
# dimensions). Between the two there may be a ReLU.

# %%
full = nn.Conv3d(16, 16, 3, padding=1, bias=False)
pair = (
    nn.Conv3d(16, 16, (1, 3, 3), padding=(0, 1, 1), bias=False),
    nn.Conv3d(16, 16, (3, 1, 1), padding=(1, 0, 0), bias=False),
)
print("weights:", full.weight.numel(), "and", sum(part.weight.numel() for part in pair))
volume = torch.randn(1, 16, 4, 8, 8)
assert pair[1](pair[0](volume)).shape == full(volume).shape
assert full.weight.numel() == 27 * 16**2 and sum(part.weight.numel() for part in pair) == 12 * 16**2

# %% [markdown]
# ## Exercises


# %%
def my_corr3d(X, K):
    """The cross-correlation of a volume (D, H, W) and a kernel (d, h, w)."""


course.check("20.corr3d", my_corr3d)


# %%
def channels_first(clip):
    """A clip as files have it, (time, rows, columns, channels), as the batch of one that nn.Conv3d takes."""


course.check("20.channels_first", channels_first)


# %%
def motion(clip):
    """How much each pixel changes: |next frame - frame|, for a clip (time, rows, columns), by one difference."""


course.check("20.motion", motion)


# %%
def weights(channels_in, channels_out, k):
    """The numbers in the weight and the bias of nn.Conv3d(channels_in, channels_out, k)."""


course.check("20.weights", weights)

# %% [markdown]
# This is the end of the course. Next you can read the engine itself: [how autograd works](../how_autograd_works.md) and
# [how Conv2d's backward works](../convolution_backward.md) lead you through it.
