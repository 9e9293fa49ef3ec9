"""Tiny copies of published data sets: a few empty files in the true layout and lists in the true formats, traps included."""

import json
from pathlib import Path


def files(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def ucf101(root: Path) -> None:
    """Carriage returns, labels in training lists only, a folder and its files spelt differently."""
    names = [
        "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi",
        "HandstandPushups/v_HandStandPushups_g08_c02.avi",
        "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi",
    ]
    files(root / "UCF-101", *names)
    lists = root / "ucfTrainTestlist"
    write(lists / "classInd.txt", "1 ApplyEyeMakeup\r\n2 HandstandPushups\r\n3 NeverSeen\r\n")
    write(lists / "trainlist01.txt", f"{names[0]} 1\r\n{names[1]} 2\r\n")
    write(lists / "testlist01.txt", f"{names[2]}\r\nHandstandPushups/v_HandStandPushups_g02_c01.avi\r\n")


def hmdb51(root: Path) -> None:
    """Trailing blanks, names with every odd character, unused clips."""
    odd = "A_&_B#1;_(2)_wave_f_nm_np1_fr_goo_37.avi"
    files(
        root / "hmdb51_org",
        f"wave/{odd}",
        "wave/Film_wave_u_cm_np1_fr_med_0.avi",
        "brush_hair/X_brush_hair_f_nm_0.avi",
    )
    lists = root / "testTrainMulti_7030_splits"
    write(
        lists / "wave_test_split1.txt",
        f"{odd} 1 \nFilm_wave_u_cm_np1_fr_med_0.avi 2 \nUnused_wave_f_nm_1.avi 0 \n",
    )
    write(lists / "brush_hair_test_split1.txt", "X_brush_hair_f_nm_0.avi 1 \n")


def kinetics(root: Path) -> None:
    """Blanks in class names, one release without split folders, a dead video, a test list without labels."""
    files(
        root,
        "train/tai chi/abc-_d_12345_000001_000011.mp4",
        "val/abseiling/xyz_000020_000030.mp4",
        "test/t_000000_000010.mp4",
    )
    head = "label,youtube_id,time_start,time_end,split,is_cc\n"
    write(root / "train.csv", head + "tai chi,abc-_d_12345,1,11,train,0\ntai chi,dead,5,15,train,0\n")
    write(root / "validate.csv", head + "abseiling,xyz,20,30,validate,1\n")
    write(root / "test.csv", "youtube_id,time_start,time_end,split\nt,0,10,test\n")


def ssv2(root: Path) -> None:
    """Numbers as strings, brackets in templates, a test list of ids."""
    files(root / "20bn-something-something-v2", "1.webm", "2.webm", "3.webm")
    labels = {"Holding something": "1", "Approaching something with your camera": "0"}
    entry = {"label": "holding cup", "placeholders": ["cup"], "template": "Holding [something]"}
    other = {"label": "x", "placeholders": ["x"], "template": "Approaching [something] with your camera"}
    for name, content in {
        "labels": labels,
        "train": [{"id": "1"} | entry],
        "validation": [{"id": "2"} | other],
        "test": [{"id": "3"}],
    }.items():
        write(root / f"something-something-v2-{name}.json", json.dumps(content))


def diving48(root: Path) -> None:
    """Names that start with a dash, a label that never occurs."""
    files(root / "rgb", "-mmq0PT-u8k_00155.mp4", "-mmq0PT-u8k_00156.mp4", "b_00001.mp4")
    write(
        root / "Diving48_vocab.json",
        json.dumps([["Back", "15som", "05Twis", "FREE"], ["Never"], ["Front", "Dive", "NoTwis", "PIKE"]]),
    )
    row = {"start_frame": 0, "end_frame": 48}
    train = [
        {"vid_name": "-mmq0PT-u8k_00155", "label": 0} | row,
        {"vid_name": "-mmq0PT-u8k_00156", "label": 2} | row,
    ]
    write(root / "Diving48_V2_train.json", json.dumps(train))
    write(root / "Diving48_V2_test.json", json.dumps([{"vid_name": "b_00001", "label": 2} | row]))


def ucf101ds(root: Path) -> None:
    """Labels spelt otherwise than in UCF101, several clips of one video."""
    files(root / "UCF101-DS", "Breaststroke/a_1.mp4", "Breaststroke/a_2.mp4", "Archery/b_1.mp4")
    write(
        root / "ucf101-DS_eval.csv",
        "label,filename,video_id,shift,category\nBreaststroke,a_1.mp4,a,rain,weather\n"
        "Breaststroke,a_2.mp4,a,rain,weather\nArchery,b_1.mp4,b,night,light\n",
    )
