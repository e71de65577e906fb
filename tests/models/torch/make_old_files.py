"""Writes FOLDER/torch-VERSION-pythonN.json: a state dict, a checkpoint and a whole module, by whatever PyTorch runs this.

    python make_old_files.py FOLDER && python make_files.py FOLDER

Runs on Python 2.7 and PyTorch 1.0, too: torch==1.0.0 for Python 3.6, torch==1.4.0 with future and typing for Python 2.7, torch==1.5.1 for 3.8.
"""

from __future__ import print_function

import base64
import io
import json
import os
import sys

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.embed = nn.Embedding(5, 3)
        self.rnn = nn.GRU(3, 2)


def saved(value):
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def main(folder):
    torch.manual_seed(1)
    net = Net()
    version = "torch-" + torch.__version__.split("+")[0] + "-python" + str(sys.version_info[0])
    state = net.state_dict()
    state["transposed"] = torch.arange(0, 6).view(2, 3).t()
    half = torch.arange(0, 4).float()
    state["half"] = half[2:]
    values = dict((name, (list(tensor.shape), tensor.contiguous().view(-1).tolist())) for name, tensor in state.items())
    files = {"state": saved(state), "checkpoint": saved({"epoch": 1, "state_dict": state}), "whole": saved(net)}
    files = dict((name, base64.b64encode(data).decode()) for name, data in files.items())
    with open(os.path.join(folder, version + ".json"), "w") as file:
        json.dump({"version": version, "values": values, "files": files}, file)
    print(version)


if __name__ == "__main__":
    main(sys.argv[1])
